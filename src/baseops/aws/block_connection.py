"""A kept HTTP/1.1 connection for GET requests with large answers: parses little, copies nothing it need not.

`http.client` parses every header as if it were a mail, which takes as long as receiving half of a block. Here an answer
with a Content-Length is read straight into place; any other one is given to `http.client` as it came.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

TIMEOUT_SECONDS = 60
MAX_BODY_BYTES = 16 << 20
_HEAD_BYTES = 64 << 10


@dataclass(frozen=True)
class Answer:
    """What came: `headers` by their names in small letters, the whole body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes | bytearray | memoryview


class BlockConnection:
    """One connection; not for several threads at once. After an error, close it."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Connect; with a context by TLS."""
        self._head = bytearray(_HEAD_BYTES)
        self._socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._flags = 0
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        else:
            # Python's own timeout makes a socket that never waits for all of a read; the kernel's does not.
            self._socket.settimeout(None)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", TIMEOUT_SECONDS, 0))
            self._flags = socket.MSG_WAITALL

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def get(self, target: str, headers: Mapping[str, str], into: memoryview | None = None) -> Answer:
        """Ask for a target (path and query, encoded) and read the answer; raises `http.client.HTTPException`.

        A body as long as `into` is read into it.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._socket.sendall(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode("ascii"))
        received, end = self._receive_head()
        first, *rest = self._head[: end - 4].decode("latin-1").split("\r\n")
        found = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        length = found.get("content-length", "")
        if not length.isdecimal() or "transfer-encoding" in found:
            return self._by_http_client(bytes(self._head[:received]))
        _, status, *reason = first.split(" ", 2)
        body = into if into is not None and len(into) == int(length) else memoryview(_new_body(int(length)))
        self._receive_body(body, self._head[end:received])
        return Answer(int(status), "".join(reason), found, body)

    def _receive_head(self) -> tuple[int, int]:
        """How many bytes came, and where the head among them ends."""
        view, received, end = memoryview(self._head), 0, -1
        while end < 0:
            count = self._socket.recv_into(view[received:]) if received < _HEAD_BYTES else 0
            if not count:
                raise http.client.RemoteDisconnected(f"the connection ended after {received} bytes of an answer")
            received += count
            end = self._head.find(b"\r\n\r\n", 0, received)
        return received, end + 4

    def _receive_body(self, body: memoryview, first: bytearray) -> None:
        """Straight into place; without TLS in one call, since each costs a switch of threads."""
        at, length = len(first), len(body)
        if at > length:
            raise http.client.HTTPException(f"{at} bytes of an answer of {length}")
        body[:at] = first
        while at < length:
            count = self._socket.recv_into(body[at:], length - at, self._flags)
            if not count:
                raise http.client.IncompleteRead(b"", length - at)
            at += count

    def _by_http_client(self, begun: bytes) -> Answer:
        """An answer of another form: in chunks, or as long as the connection lasts."""
        begin = io.BytesIO(begun)
        source = io.BufferedReader(cast("io.RawIOBase", _Joined(begin, self._socket)))
        response = http.client.HTTPResponse(cast("socket.socket", _AsSocket(source)), method="GET")
        response.begin()
        body = response.read(MAX_BODY_BYTES)
        if response.read(1):
            raise http.client.HTTPException(f"an answer of more than {MAX_BODY_BYTES} bytes")
        headers = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self.close()
        return Answer(response.status, response.reason, headers, body)


def _new_body(length: int) -> bytearray:
    if length > MAX_BODY_BYTES:
        raise http.client.HTTPException(f"an answer of {length} bytes")
    return bytearray(length)


class _Joined(io.RawIOBase):
    """What came already, then what comes."""

    def __init__(self, begin: io.BytesIO, rest: socket.socket) -> None:
        self._begin = begin
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: whatever io gives
        return self._begin.readinto(buffer) or self._rest.recv_into(buffer)


class _AsSocket:
    """What `http.client.HTTPResponse` wants of a socket."""

    def __init__(self, source: io.BufferedIOBase) -> None:
        self._source = source

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        return self._source
