"""DKIM keys that owners bring: nobody else has their private halves, so that a world makes pairs of its own."""

from __future__ import annotations

import base64

from baseops.semantics.mail.dkim import key_bits

USUAL_BITS = 2048


def new_private_key(public_key: str) -> str:
    """A new private key, base64 as SES wants it, as long as the one that a base64 public key belongs to.

    https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(65537, key_bits(public_key) or USUAL_BITS)
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def public_half(private_key: str) -> str:
    """The public key of a base64 private key, base64 as DNS has it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

    key = load_der_private_key(base64.b64decode(private_key), None).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
