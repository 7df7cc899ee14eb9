"""Copies of the whole account by fork: cheap, and what they do stays with them. Knows nothing of AWS."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import BinaryIO, Generic, NoReturn, TypeVar

from baseops.errors import SandboxError

T = TypeVar("T")


class Copy(Generic[T]):
    """A forked copy at work. Two or three may run side by side; ask each for its `result`."""

    def __init__(self, process_id: int, answers: BinaryIO) -> None:
        self._process_id = process_id
        self._answers = answers

    def fileno(self) -> int:
        """For `select`: readable when the result is there."""
        return self._answers.fileno()

    def result(self) -> T:
        """What the function returned; raises what it raised. Waits for it; may be asked once."""
        try:
            with self._answers:
                answer = self._answers.read()
        except BaseException:
            self.kill()
            raise
        _, status = os.waitpid(self._process_id, 0)
        if not answer:
            raise SandboxError(
                "a copy of the sandbox died", f"it ended with status {os.waitstatus_to_exitcode(status)}"
            )
        # The bytes come from our own child through a pipe that nobody else holds.
        value, error = pickle.loads(answer)  # noqa: S301
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]  # the child pickled a T

    def kill(self) -> None:
        """End it without a result."""
        self._answers.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process_id, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process_id, 0)


def start_copy(function: Callable[[], T], prepare: Callable[[], None]) -> Copy[T]:
    """Fork, call `prepare` in the child, then the function. Refused while another thread lives."""
    _refuse_threads()
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    process_id = os.fork()
    if process_id == 0:
        os.close(reading)
        _work(function, prepare, writing)
    os.close(writing)
    return Copy(process_id, os.fdopen(reading, "rb"))


def _refuse_threads() -> None:
    others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    if others:
        raise SandboxError(
            "the sandbox cannot be copied now",
            f"threads are alive that a fork would leave behind: {', '.join(sorted(others))}",
            "Copy it when gather has returned",
        )


def _work(function: Callable[[], object], prepare: Callable[[], None], writing: int) -> NoReturn:
    """The child's life. It ends without the parent's clean-up: that belongs to the parent."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as answers:
            answers.write(_answer(function, prepare))
        status = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _answer(function: Callable[[], object], prepare: Callable[[], None]) -> bytes:
    try:
        prepare()
        return pickle.dumps((function(), None))
    except BaseException as error:  # noqa: BLE001  # the parent raises it
        error.add_note(f"In a copy of the sandbox:\n{traceback.format_exc()}")
        return _pickled_error(error)


def _pickled_error(error: BaseException) -> bytes:
    """The error, where it survives the way; else its text."""
    with contextlib.suppress(Exception):
        text = pickle.dumps((None, error))
        pickle.loads(text)  # noqa: S301  # our own bytes
        return text
    notes = "\n".join(getattr(error, "__notes__", ()))
    return pickle.dumps((None, SandboxError(f"a copy of the sandbox failed: {type(error).__name__}: {error}", notes)))
