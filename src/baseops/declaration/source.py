"""The bytes of a declaration as text that is safe to read: bounded, UTF-8, without control characters."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from baseops.declaration.problem import Problem
from baseops.errors import DeclarationError

MAX_BYTES = 2 * 1024 * 1024
# C0 and C1 controls (but tab, line feed, carriage return, next line) and marks that reorder text on a screen.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_file(path: Path) -> bytes:
    """The bytes of a declaration's file; a file over 2 MiB is refused before it is read."""
    try:
        found = path.stat()
        if found.st_size > MAX_BYTES:
            raise _too_large(str(path))
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise DeclarationError(f"cannot read {path}", "it is not a regular file", "Name another file with -f")
        return path.read_bytes()
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise DeclarationError(
            f"cannot read {path}", why, f"Run: baseops init -f {path}, or name another file with -f"
        ) from error


def decode(source: str | bytes, file: str) -> str:
    """The text of a declaration; refuses what is too large, not UTF-8, or holds control characters."""
    text = source if isinstance(source, str) else _decode_bytes(source, file)
    if len(text) > MAX_BYTES:
        raise _too_large(file)
    text = text.removeprefix("\ufeff")
    found = _FORBIDDEN.search(text)
    if found:
        raise _forbidden(text, found, file)
    return text


def _decode_bytes(source: bytes, file: str) -> str:
    if len(source) > MAX_BYTES:
        raise _too_large(file)
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        column = error.start - (source.rfind(b"\n", 0, error.start) + 1) + 1
        byte = f"the byte 0x{source[error.start]:02x} is not UTF-8"
        kind = "the file is UTF-16, not UTF-8" if source.startswith(_UTF16) else byte
        message = f"{kind}, from byte offset {error.start}"
        raise refusal(
            Problem(file, line, column, (), message, "Save the file as UTF-8", rule="declaration.encoding")
        ) from error


def refusal(problem: Problem) -> DeclarationError:
    """The error for a problem after which nothing else can be said."""
    return DeclarationError(f"{problem.file} cannot be read as a declaration", problems=(problem,))


def _too_large(file: str) -> DeclarationError:
    message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB, which no declaration needs"
    return refusal(Problem(file, 1, 1, (), message, "Name the right file with -f", rule="declaration.size"))


def _forbidden(text: str, found: re.Match[str], file: str) -> DeclarationError:
    line = text.count("\n", 0, found.start()) + 1
    column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
    message = f"the character U+{ord(found[0]):04X} is invisible or controls a terminal"
    remedy = 'Delete it, or write it as an escape in double quotes, such as "\\t"'
    return refusal(Problem(file, line, column, (), message, remedy, rule="declaration.control-character"))
