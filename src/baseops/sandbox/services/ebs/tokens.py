"""Block and page tokens: opaque, bound to what they were given for, and expiring. They need no table."""

from __future__ import annotations

import hmac
import struct
from base64 import b64decode, b64encode
from binascii import Error
from datetime import UTC, datetime, timedelta
from hashlib import sha256

BLOCK_TOKEN_LIFE = timedelta(days=7)
PAGE_TOKEN_LIFE = timedelta(minutes=60)
_MAC_BYTES = 16
_LAYOUT = struct.Struct(">IQQ")


class Tokens:
    """Writes and reads the tokens of one account and region."""

    def __init__(self, key: bytes) -> None:
        """`key` makes them its own."""
        self._key = key
        self._calls = 0

    def next_call(self) -> int:
        """A number that makes the tokens of each listing differ."""
        self._calls += 1
        return self._calls

    def write(self, purpose: str, number: int, call: int, expires: datetime) -> str:
        """A token for a number (a block's index, where a page begins)."""
        text = _LAYOUT.pack(int(expires.timestamp()), number, call)
        return b64encode(text + self._mac(purpose, text)).decode()

    def read(self, purpose: str, token: str, now: datetime) -> int | None:
        """The number; None where the token is not for this purpose, or too old."""
        try:
            raw = b64decode(token, validate=True)
        except (Error, ValueError):
            return None
        text, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if len(text) != _LAYOUT.size or not hmac.compare_digest(mac, self._mac(purpose, text)):
            return None
        expires, number, _ = _LAYOUT.unpack(text)
        return None if datetime.fromtimestamp(expires, UTC) <= now else int(number)

    def _mac(self, purpose: str, text: bytes) -> bytes:
        return hmac.new(self._key, purpose.encode() + b"\0" + text, sha256).digest()[:_MAC_BYTES]
