"""The DKIM key in the world of email is a real one, whose public half takes the place of the owner's."""

from __future__ import annotations

import base64

import pytest

from baseops.areas.email import world
from baseops.areas.email.world_keys import new_private_key, public_half
from baseops.sandbox.services.sesv2.errors import BadRequestError
from baseops.sandbox.services.sesv2.identities import public_key_of
from baseops.semantics.mail.dkim import key_bits
from baseops.workflow.world import as_made, build_world

PUBLIC = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDEZHnxzKiwBmJA+GBRuq4BIrhEpyoauhZTwQCoBVAwR8RhKpGd0tTQboxwfkzfvTzaswUr3T2/"
    "aS4s8Ro7BvdScAtkpWi0yq1h0WHkANJWTQdwTfBB4XMyk37Hseex5tE+plbnqX2PSUAp2rZiN+cFutBlJGctsHSbJ2njEFLDiQIDAQAB"
)


def test_a_new_key_is_as_long_as_the_declared_one_and_ses_takes_it():
    private = new_private_key(PUBLIC)
    assert public_key_of(private) == public_half(private) != PUBLIC
    assert key_bits(public_half(private)) == key_bits(PUBLIC) == 1024


def pkcs1(bits: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return generate_private_key(65537, bits).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )


def test_ses_takes_pkcs1_as_well():
    assert key_bits(public_key_of(base64.b64encode(pkcs1(1024)).decode())) == 1024


def elliptic() -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(key).decode()


def with_a_wrong_exponent() -> str:
    """A key whose private exponent is none: what used to pass for the owner's."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    der = pkcs1(1024)
    key = load_der_private_key(der, None)
    exponent = key.private_numbers().d.to_bytes(128, "big").lstrip(b"\0")
    return base64.b64encode(der.replace(exponent, b"\x03" * len(exponent))).decode()


@pytest.mark.parametrize(
    "refused",
    [
        "bm8ga2V5",
        base64.encodebytes(pkcs1(1024)).decode(),
        f"-----BEGIN RSA PRIVATE KEY-----{base64.b64encode(pkcs1(1024)).decode()}",
        elliptic(),
        with_a_wrong_exponent(),
        base64.b64encode(pkcs1(3072)).decode(),
    ],
    ids=["no key", "lines", "with its head", "elliptic", "numbers that do not fit", "3072 bits"],
)
def test_ses_refuses_what_is_no_rsa_key_of_its_lengths(refused):
    with pytest.raises(BadRequestError, match="private key is not valid"):
        public_key_of(refused)


TEXT = f"""email:
  acme.example: {{mail_from: bounce.acme.example}}
  own-key.example:
    dkim: {{own_key: {{selector: s2026, private_key: app/dkim-key, public_key: {PUBLIC}}}}}
  theirs.example: {{managed: false, dkim: {{own_key: {{selector: s1, private_key: their/key, public_key: {PUBLIC}}}}}}}
"""


def test_the_rehearsal_has_the_worlds_key_and_all_else_as_declared(declared, account):
    declaration = declared(TEXT)
    list(build_world(declaration, account))
    made = as_made(declaration, account)
    before, after = declaration.sections["email"], made.sections["email"]
    private = account.client("secretsmanager").get_secret_value(SecretId="app/dkim-key")["SecretString"]
    assert after.entries["own-key.example"].dkim.own_key.public_key == public_half(private)
    assert after.entries["theirs.example"] == before.entries["theirs.example"]
    assert after.entries["acme.example"] == before.entries["acme.example"]
    assert (after.account, list(after.entries)) == (before.account, list(before.entries))
    entry = after.entries["own-key.example"].model_dump()
    entry["dkim"]["own_key"]["public_key"] = PUBLIC
    assert entry == before.entries["own-key.example"].model_dump()


def test_a_key_that_the_owner_has_put_there_stays(declared, account):
    private = new_private_key(PUBLIC)
    account.client("secretsmanager").create_secret(Name="app/dkim-key", SecretString=private)
    declaration = declared(TEXT)
    world.build(declaration.sections["email"], account, declaration.site)
    made = as_made(declaration, account).sections["email"]
    assert made.entries["own-key.example"].dkim.own_key.public_key == public_half(private)


def test_a_section_without_such_keys_is_the_same(declared, account):
    section = declared("email:\n  acme.example: {}\n").sections["email"]
    assert world.as_made(section, account) is section
