"""The sandbox account over HTTP on 127.0.0.1, for the aws CLI and any SDK: the same state, the same dispatcher."""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType, TracebackType
from typing import Self

from botocore.parsers import ResponseParserError

from baseops.errors import SandboxError
from baseops.sandbox.account import Account
from baseops.sandbox.addressing import Address, address_of, endpoint_urls, known_services, operation_of, renewed
from baseops.sandbox.answer import Answer, failure
from baseops.sandbox.call import Call
from baseops.sandbox.cbor import Headers, as_cbor, as_json, is_cbor
from baseops.sandbox.clock import VirtualClock
from baseops.sandbox.control import PREFIX, Control
from baseops.sandbox.dispatcher import DefectError
from baseops.sandbox.moto_services import matches
from baseops.sandbox.principals import principal_of
from baseops.sandbox.requests import make_request
from baseops.sandbox.service import ServiceError, backend_class, unknown_operation

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 1 << 30
log = logging.getLogger(__name__)


class Handler(BaseHTTPRequestHandler):
    """One connection. Everything about AWS lies in `answer_for`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300
    server: _Listener

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The base class looks for `do_GET` and the like; one function answers every method."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self) -> None:
        """Answer a request of any method."""
        body = self._read_body()
        if body is None:
            return
        if self.path.startswith(PREFIX):
            self._answer_control(body)
            return
        answer = self.server.answer_for(self.command, self.path, list(self.headers.items()), body)
        if answer.is_dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._write(answer.status, answer.headers, answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Quiet, but for who turns logging on."""
        log.debug(format, *args)

    def _read_body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.send_error(413 if length.isdigit() else 400)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # who sent it was killed in the middle: a call that was never made
            self.close_connection = True
            return None
        return body

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """A trailer; nobody here needs one."""

    def _answer_control(self, body: bytes) -> None:
        if self.headers.get("Origin"):
            status, document = 403, {"error": "not for web pages"}
        else:
            status, document = self.server.control.answer(self.command, self.path, body)
        text = (json.dumps(document) + "\n").encode()
        self._write(status, {"Content-Type": "application/json"}, text)

    def _write(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        given = {name.lower(): (name, value) for name, value in headers.items()}
        is_head = self.command == "HEAD"
        if not (is_head and "content-length" in given):
            given["content-length"] = ("Content-Length", str(len(body)))
        for lower, (name, value) in given.items():
            if lower not in ("status", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        if not is_head and status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, account: Account, port: int) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.control = Control(account)
        self._account = account

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection broke, or its handler did; the others go on."""
        log.debug("connection from %s ended early: %s", client_address, sys.exc_info()[1])

    def answer_for(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """The answer to an AWS request."""
        address = address_of(path, {name.lower(): value for name, value in headers}, self._account.region)
        address, method, body = renewed(address, method, body)
        if address.service not in known_services():
            return _refused(address, f"The sandbox has no service {address.service}", "InvalidAction", 400)
        if is_cbor(headers):
            return self._answer_cbor(address, headers, body)
        return self._answer(address, method, headers, body)

    def _answer_cbor(self, address: Address, headers: Headers, body: bytes) -> Answer:
        try:
            path, headers, body = as_json(address.service, address.path, headers, body)
        except (ValueError, LookupError, ResponseParserError) as error:
            return as_cbor(_refused(address, f"The body cannot be read: {error}", "SerializationException", 400))
        return as_cbor(self._answer(replace(address, path=path), "POST", headers, body))

    def _answer(self, address: Address, method: str, headers: Headers, body: bytes) -> Answer:
        try:
            call = self._call(address, method, headers, body)
            return self._account.dispatcher.answer(call) if call.is_modelled else failure(call, unknown_operation(call))
        except Exception as error:
            if not isinstance(error, DefectError):
                log.exception("%s %s broke the sandbox", method, address.path)
            # 501 is not retried by SDKs: a second try would break in the same way.
            return _refused(address, f"The sandbox broke: {error}", "InternalFailure", 501)

    def _call(self, address: Address, method: str, headers: Headers, body: bytes) -> Call:
        principal = principal_of(address.access_key, self._account.account_id)
        self._account.dispatcher.load(address.service)
        url, *others = endpoint_urls(address)
        if backend_class(address.service) is None:
            url = next((each for each in (url, *others) if matches(address.service, each)), url)
        request = make_request(method, url, [*headers, ("x-moto-account-id", principal.account_id)], body)
        return Call(
            service=address.service,
            operation=operation_of(address.service, request) or f"{method} {address.path}",
            account_id=principal.account_id,
            region=address.region,
            access_key=address.access_key,
            request=request,
        )


def _refused(address: Address, message: str, code: str, status: int) -> Answer:
    """An error in the service's protocol, or in STS's where there is no model."""
    service = address.service if address.service in known_services() else "sts"
    request = make_request("POST", f"https://{service}.amazonaws.com/", [], b"")
    call = Call(service, "Unknown", "", address.region, address.access_key, request)
    return failure(call, ServiceError(message, code=code, status=status))


class Server:
    """A served account: started with `with`, stopped when that ends. The account stays open."""

    def __init__(self, account: Account, port: int = 0) -> None:
        try:
            self._listener = _Listener(account, port)
        except OSError as error:
            raise SandboxError(
                f"the sandbox cannot listen on {LOOPBACK}:{port}", str(error), "Choose another --port, or 0 for any"
            ) from error
        # The interval is how long stopping may take.
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), name="sandbox-server", daemon=True
        )

    @property
    def url(self) -> str:
        """The endpoint for `AWS_ENDPOINT_URL`."""
        return f"http://{LOOPBACK}:{self._listener.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()


def serve(
    account: Account, port: int = 0, *, ready: Callable[[str], None], stop: threading.Event | None = None
) -> None:
    """Serve until Ctrl-C, SIGTERM or `stop`; `ready` is told the endpoint URL."""
    done = stop or threading.Event()
    clock = account.clock
    aside: AbstractContextManager[None] = clock.standing_aside() if isinstance(clock, VirtualClock) else nullcontext()
    with aside, Server(account, port) as server, _signals(done):
        ready(server.url)
        done.wait()


@contextmanager
def _signals(done: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C set the event; only the main thread may ask for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
