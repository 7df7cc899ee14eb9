"""The DKIM key that an owner brings: the one that belongs to the declared public key, as far as anybody can know it.

Nobody can make the private half of a public key. Modulus and exponent stand in both halves, though, and SES derives
from them what it looks for in DNS: a key with these and nothing true beside them is taken for the owner's, and signs
nothing.
"""

from __future__ import annotations

import base64
from itertools import chain


def private_key_for(public_key: str) -> str:
    """A private key, base64, with the numbers of a base64 public key.

    https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.2
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(base64.b64decode(public_key))
    if not isinstance(key, RSAPublicKey):
        raise TypeError("DKIM keys of SES are RSA keys")
    known = key.public_numbers()
    unknown = (3, 3, 5, 1, 1, 1)
    numbers = b"".join(map(_integer, chain((0, known.n, known.e), unknown)))
    return base64.b64encode(_element(0x30, numbers)).decode()


def _integer(value: int) -> bytes:
    return _element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _element(tag: int, content: bytes) -> bytes:
    """DER: a tag, the length, the content."""
    size = len(content)
    length = bytes([size]) if size < 0x80 else _long(size)
    return bytes([tag]) + length + content


def _long(size: int) -> bytes:
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 + len(octets)]) + octets
