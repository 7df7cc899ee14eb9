"""Puts a page in its place: checked first, written under another name, renamed; never over what is not ours."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from baseops.errors import BaseopsError, UsageError

MARKER = "baseops page"
"""What a page of ours says in its second line."""


class PageFile:
    """Where a page will be. Making one checks the place: a wrong one is an error before anything is run."""

    def __init__(self, path: Path | str) -> None:
        """Raises `UsageError` where nothing can be written, or something lies that is not ours."""
        self.path = Path(path)
        try:
            # A link stays a link; where it leads, the page is.
            self._target = self.path.resolve()
            self._require_ours()
            self._temporary("").unlink()
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(f"no page can be written to {self.path}", _why(error), _REMEDY) from error

    def write(self, text: str) -> None:
        """The page, whole or not at all."""
        try:
            self._require_ours()
            temporary = self._temporary(text)
            try:
                temporary.replace(self._target)
            except OSError:
                temporary.unlink()
                raise
        except OSError as error:
            raise BaseopsError(f"the page {self.path} was not written", _why(error), _REMEDY) from error

    def _require_ours(self) -> None:
        if not self._target.exists():
            return
        if not self._target.is_file():
            raise UsageError(f"no page can be written to {self.path}", "that is no ordinary file", _REMEDY)
        with self._target.open("rb") as file:
            if MARKER.encode() not in file.read(200):
                raise UsageError(f"{self.path} stays as it is", "it is not a page that baseops wrote", _REMEDY)

    def _temporary(self, text: str) -> Path:
        """A new file beside the place, as the umask has it; removed when it cannot be written whole."""
        path = self._target.with_name(f".{self._target.name[:200]}.{secrets.token_hex(4)}")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink()
            raise
        return path


_REMEDY = "Name another place with --page, or leave it out with --no-page."


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
