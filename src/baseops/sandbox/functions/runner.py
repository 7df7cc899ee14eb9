"""Runs one invocation in a child process and answers its calls meanwhile; knows no service.

The time limit of a function is real time: its code really runs. Only for what it sleeps nobody waits: the child counts
that against the limit, and tells how long it slept.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

# Any: frames are JSON.
Frame = dict[str, Any]
Caller = Callable[[Frame], Frame]
"""Answers a call of the function: `service`, `operation`, `method`, `url`, `headers`, `body` (base64) to `status`,
`headers`, `body`."""


@dataclass(frozen=True)
class Invocation:
    """What the child needs to know."""

    handler: str
    event: Any
    path: Sequence[Path]
    timeout: float
    context: Mapping[str, Any]
    log_format: str = "Text"
    now: datetime | None = None
    redirects_urllib: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended. `error` is empty, `Unhandled` for what the function raised or its end."""

    payload: bytes = field(repr=False)
    error: str
    lines: tuple[str, ...] = field(repr=False)
    seconds: float


def run(invocation: Invocation, answer: Caller) -> Outcome:
    """Run it to its end or its time limit."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = _Child(invocation, output)
        try:
            result = child.talk(_frame_of(invocation), answer, started + invocation.timeout)
        finally:
            child.end()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    payload, error = _result(result, invocation)
    slept = float(result.get("slept", 0.0)) if result else 0.0
    return Outcome(payload, error, tuple(lines), time.monotonic() - started + slept)


def _frame_of(invocation: Invocation) -> Frame:
    return {
        "handler": invocation.handler,
        "event": invocation.event,
        "path": [str(each) for each in invocation.path],
        "log_format": invocation.log_format,
        "context": {**invocation.context, "timeout": invocation.timeout},
        "urllib": invocation.redirects_urllib,
        **_time_of(invocation),
    }


def _time_of(invocation: Invocation) -> Frame:
    """The account's time, and where the child finds what sets its own to it."""
    found = importlib.util.find_spec("time_machine") if invocation.now else None
    if invocation.now is None or found is None or found.origin is None:
        return {}
    return {"now": invocation.now.timestamp(), "time_machine": str(Path(found.origin).parent.parent)}


def _result(frame: Frame | None, invocation: Invocation) -> tuple[bytes, str]:
    if frame is None or "timed_out" in frame:
        message = f"{invocation.context['request_id']} Task timed out after {invocation.timeout:.2f} seconds"
        return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode(), "Unhandled"
    if "error" in frame:
        return json.dumps(frame["error"]).encode(), "Unhandled"
    return str(frame["result"]).encode(), ""


class _Child:
    """The child process and the two pipes to it."""

    def __init__(self, invocation: Invocation, output: IO[bytes]) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        command = [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("child.py"))]
        self._process = subprocess.Popen(
            [*command, str(to_read), str(to_write)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(invocation.environment),
            pass_fds=(to_read, to_write),
        )
        os.close(to_read)
        os.close(to_write)

    def talk(self, first: Frame, answer: Caller, deadline: float) -> Frame | None:
        """Send the invocation and answer calls until the result comes; None when the time is up."""
        self._send(first)
        while True:
            try:
                frame = self._receive(deadline)
            except TimeoutError:
                return None
            except EOFError:
                code = self._process.wait()
                error = {
                    "errorType": "Runtime.ExitError",
                    "errorMessage": f"Runtime exited with error: exit status {code}",
                }
                return {"error": error}
            if "call" not in frame:
                return frame
            self._send(answer(frame["call"]))

    def end(self) -> None:
        """Let nothing of it stay."""
        os.close(self._write)
        os.close(self._read)
        self._process.kill()
        self._process.wait()

    def _send(self, frame: Frame) -> None:
        body = json.dumps(frame).encode()
        view = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while view:
                view = view[os.write(self._write, view) :]
        except BrokenPipeError:
            return  # it has ended; reading says how

    def _receive(self, deadline: float) -> Frame:
        (length,) = struct.unpack(">I", self._exactly(4, deadline))
        frame: Frame = json.loads(self._exactly(length, deadline))
        return frame

    def _exactly(self, length: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(self._read, length - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


def encoded(body: bytes) -> str:
    """A body as it travels in a frame."""
    return base64.b64encode(body).decode()
