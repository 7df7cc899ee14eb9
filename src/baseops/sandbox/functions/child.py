"""The child process in which one invocation of a Python function runs. It is run by its file, and imports no baseops.

What the function sends to AWS through botocore goes over a pipe to the parent, which answers from the sandbox. What
it prints and logs goes to its standard output. Beyond this machine it reaches nobody, and its sleep uses up its time
limit without anybody waiting. Arguments: the file descriptors to read from and to write to.
"""

from __future__ import annotations

import base64
import errno
import importlib
import importlib.abc
import importlib.machinery
import json
import logging
import os
import socket
import struct
import sys
import threading
import time
import traceback
from types import ModuleType
from typing import Any, cast

# Any throughout: events are JSON of whatever shape, botocore's parts are untyped and loaded only on use.

_ENDPOINT = "botocore.endpoint"
_HERE = ("", "localhost", "127.0.0.1", "::1")


class Pipe:
    """Frames of JSON, each behind its length, to and from the parent."""

    def __init__(self, read_from: int, write_to: int) -> None:
        self._in = os.fdopen(read_from, "rb")
        self._out = os.fdopen(write_to, "wb")
        self._lock = threading.Lock()

    def read(self) -> Any:
        """The next frame."""
        (length,) = struct.unpack(">I", self._in.read(4))
        return json.loads(self._in.read(length))

    def write(self, frame: Any) -> None:
        """Send a frame."""
        body = json.dumps(frame).encode()
        self._out.write(struct.pack(">I", len(body)) + body)
        self._out.flush()

    def ask(self, frame: Any) -> Any:
        """Send a frame and wait for its answer, one thread at a time."""
        with self._lock:
            self.write(frame)
            return self.read()


class Limit:
    """A function's time limit: real time, and beside it what the function slept, for which nobody waits."""

    def __init__(self, seconds: float, pipe: Pipe) -> None:
        self._pipe = pipe
        self._real = time.monotonic
        self._deadline = self._real() + seconds
        self.slept = 0.0

    def remaining(self) -> float:
        """How many seconds the function may still run."""
        return self._deadline - self._real() - self.slept

    def sleep(self, seconds: float) -> None:
        """What `time.sleep` does; a function that sleeps beyond its limit is ended."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.slept += seconds
        if self.remaining() <= 0:
            sys.stdout.flush()
            self._pipe.write({"timed_out": True, "slept": self.slept})
            os._exit(1)

    def install(self) -> None:
        """From now on time passes for the function as if it had slept."""
        for name in ("time", "monotonic", "perf_counter"):
            setattr(time, name, self._later(getattr(time, name)))
        setattr(time, "sleep", self.sleep)  # noqa: B010  # as above; no type checker minds

    def _later(self, told: Any) -> Any:
        return lambda: told() + self.slept


class Context:
    """Lambda's context object: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def __init__(self, given: dict[str, Any], limit: Limit) -> None:
        self.aws_request_id = given["request_id"]
        self.invoked_function_arn = given["function_arn"]
        self.function_name = given["function_name"]
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = str(given["memory"])
        self.log_group_name = given["log_group"]
        self.log_stream_name = given["log_stream"]
        self.identity = None
        self.client_context = None
        self._limit = limit

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return max(0, int(self._limit.remaining() * 1000))


class EndpointFinder(importlib.abc.MetaPathFinder):
    """Puts the pipe in the place of the network when botocore is imported."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        """Botocore's own module, changed right after it was loaded."""
        if name != _ENDPOINT:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                redirect(module, self._pipe)

            loader.exec_module = exec_module
        return spec


def redirect(endpoint: Any, pipe: Pipe) -> None:
    """Let botocore's endpoint send over the pipe; the operation's model says which operation it is."""
    from botocore.awsrequest import AWSResponse
    from botocore.exceptions import ConnectionClosedError

    here = threading.local()
    get_response = endpoint.Endpoint._do_get_response

    def do_get_response(self: Any, request: Any, operation_model: Any, context: Any) -> Any:
        here.operation = (operation_model.service_model.service_name, operation_model.name)
        return get_response(self, request, operation_model, context)

    def send(self: Any, request: Any) -> Any:
        service, operation = here.operation
        answer = pipe.ask(
            {
                "call": {
                    "service": service,
                    "operation": operation,
                    "method": request.method,
                    "url": request.url,
                    "headers": [[key, _text(value)] for key, value in request.headers.items()],
                    "body": base64.b64encode(_bytes(request.body)).decode(),
                }
            }
        )
        if answer.get("is_dropped"):
            raise ConnectionClosedError(endpoint_url=request.url)
        return AWSResponse(request.url, answer["status"], answer["headers"], Raw(base64.b64decode(answer["body"])))

    endpoint.Endpoint._do_get_response = do_get_response
    endpoint.Endpoint._send = send


class Raw:
    """A body as urllib3 would hand it to botocore."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> Any:
        """The body in one piece."""
        del amount, decode_content
        body, self._body = self._body, b""
        yield body

    def read(self, amount: int | None = None) -> bytes:
        """The body, or its next part."""
        end = len(self._body) if amount is None else amount
        part, self._body = self._body[:end], self._body[end:]
        return part

    def close(self) -> None:
        """Nothing is open."""


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


def set_time(now: float, folder: str) -> None:
    """Let the clock start at the account's time; the function sees nothing else of the folder."""
    sys.path.insert(0, folder)
    time_machine = importlib.import_module("time_machine")
    sys.path.remove(folder)
    time_machine.travel(now, tick=True).start()


def redirect_urllib(pipe: Pipe) -> None:
    """Let signed requests that are not botocore's go over the pipe too; whose they are the signature says."""
    import email.message
    import io
    import urllib.error
    import urllib.request
    import urllib.response

    class Handler(urllib.request.BaseHandler):
        handler_order = 1

        def https_open(self, request: Any) -> Any:
            headers = {**request.unredirected_hdrs, **request.headers}
            answer = pipe.ask(
                {
                    "call": {
                        "service": "",
                        "operation": "",
                        "method": request.get_method(),
                        "url": request.full_url,
                        "headers": [[key, str(value)] for key, value in headers.items()],
                        "body": base64.b64encode(_bytes(request.data)).decode(),
                    }
                }
            )
            if answer.get("is_elsewhere"):
                return None
            if answer.get("is_dropped"):
                raise urllib.error.URLError("connection reset")
            told = email.message.Message()
            for key, value in answer["headers"].items():
                told[key] = str(value)
            body = io.BytesIO(base64.b64decode(answer["body"]))
            response: Any = urllib.response.addinfourl(body, told, request.full_url, answer["status"])
            response.msg = ""
            return response

    urllib.request.install_opener(urllib.request.build_opener(Handler))


def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: names beyond this machine are not known, and addresses not reachable, at once.

    https://docs.python.org/3/library/audit_events.html
    """
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = _text(arguments[0] or "")
        if host not in _HERE and not _is_address(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in _HERE:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def run(given: dict[str, Any], limit: Limit) -> dict[str, Any]:
    """Import the handler and call it; gives its result, or the error in Lambda's words."""
    _log_to_stdout(given["context"]["request_id"], given["log_format"])
    try:
        module, _, name = given["handler"].rpartition(".")
        handler = getattr(_imported(module), name)
        result = handler(given["event"], Context(given["context"], limit))
        return {"result": json.dumps(result)}
    except BaseException as error:  # noqa: BLE001  # whatever a function raises is its answer
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        text = "".join(traceback.format_exception(error))
        sys.stdout.write(f"[ERROR] {type(error).__name__}: {error}\n{text}\n")  # Lambda logs it so
        return {
            "error": {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "requestId": given["context"]["request_id"],
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
        }


def _imported(module: str) -> Any:
    """The handler's module; one that cannot be imported is an error of the runtime.

    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    """
    try:
        return importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        kind = type("Runtime.ImportModuleError", (ImportError,), {})
        raise kind(f"Unable to import module '{module}': {error}") from error


def _log_to_stdout(request_id: str, log_format: str) -> None:
    if log_format == "JSON":
        text = f'{{"level":"%(levelname)s","message":%(json)s,"logger":"%(name)s","requestId":"{request_id}"}}'
    else:
        text = f"[%(levelname)s]\t%(asctime)s\t{request_id}\t%(message)s"
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Format(text))
    logging.getLogger().handlers[:] = [handler]


class _Format(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.json = json.dumps(record.getMessage())
        return super().format(record)


def main() -> None:
    """Read the invocation, run it, send its outcome."""
    pipe = Pipe(int(sys.argv[1]), int(sys.argv[2]))
    given = cast("dict[str, Any]", pipe.read())
    if "now" in given:
        set_time(given["now"], given["time_machine"])
    if given.get("urllib"):
        redirect_urllib(pipe)
    sys.path[:0] = given["path"]
    sys.meta_path.insert(0, EndpointFinder(pipe))
    sys.addaudithook(stay_here)
    limit = Limit(given["context"]["timeout"], pipe)
    limit.install()
    outcome = run(given, limit)
    sys.stdout.flush()
    pipe.write({**outcome, "slept": limit.slept})


if __name__ == "__main__":
    main()
