"""DKIM: what a public key record says, and the records of Easy DKIM and of a key that one brings oneself."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

SIGNING_ZONE = "dkim.amazonses.com"
"""Where SES publishes the keys unless GetEmailIdentity names another `SigningHostedZone`."""


@dataclass(frozen=True)
class DkimKey:
    """A public key record. `bits` is 0 where the key cannot be read; an empty key has been revoked."""

    key_type: str = "rsa"
    bits: int = 0
    is_revoked: bool = False
    is_testing: bool = False
    problems: tuple[str, ...] = ()


def parse(text: str) -> DkimKey:
    """The tags of a record such as `v=DKIM1; k=rsa; p=MIG…`.

    https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1
    """
    tags = _tags(text)
    key_type, testing = tags.get("k", "rsa"), "y" in tags.get("t", "").split(":")
    if "p" not in tags:
        return DkimKey(key_type, problems=("the record has no key (p=)",))
    if not tags["p"]:
        return DkimKey(
            key_type, is_revoked=True, is_testing=testing, problems=("the key has been revoked (p= is empty)",)
        )
    bits = key_bits(tags["p"]) if key_type == "rsa" else 256
    problems = () if bits >= 1024 else (f"the key has {bits} bits, and receivers want at least 1024",)
    return DkimKey(key_type, bits, is_testing=testing, problems=problems if bits else ("the key cannot be read",))


def key_of(text: str) -> str:
    """The key in a record, without the spaces that it may be written with."""
    return "".join(_tags(text).get("p", "").split())


def key_bits(key: str) -> int:
    """The size of the RSA modulus in a base64 SubjectPublicKeyInfo or RSAPublicKey; 0 when it is neither."""
    try:
        data = base64.b64decode("".join(key.split()), validate=True)
    except binascii.Error:
        return 0
    return max((len(number) * 8 - _leading_zeros(number) for number in _integers(data)), default=0)


def cname(token: str, domain: str, zone: str = SIGNING_ZONE) -> tuple[str, str]:
    """Name and value of the record for one Easy DKIM token."""
    return f"{token}._domainkey.{domain}", f"{token}.{zone}"


def _tags(text: str) -> dict[str, str]:
    return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";"))}


def _leading_zeros(number: bytes) -> int:
    return 8 - number[0].bit_length() if number else 0


def _integers(data: bytes, depth: int = 4) -> list[bytes]:
    """The integers of a DER value, found by descending into sequences and the bit string of a public key."""
    if not depth:
        return []
    numbers: list[bytes] = []
    at = 0
    while at + 2 <= len(data):
        tag, start, length = _header(data, at)
        body = data[start : start + length]
        if start < 0 or len(body) < length:
            return numbers
        if tag == 0x30:
            numbers += _integers(body, depth - 1)
        elif tag == 0x03:
            numbers += _integers(body[1:], depth - 1)
        elif tag == 0x02:
            numbers.append(body.lstrip(b"\0"))
        at = start + length
    return numbers


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    length = data[at + 1]
    if length < 0x80:
        return data[at], at + 2, length
    size = length & 0x7F
    return data[at], at + 2 + size, int.from_bytes(data[at + 2 : at + 2 + size], "big")
