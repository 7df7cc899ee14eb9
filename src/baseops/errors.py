"""The errors of baseops, one tree; the exit code of each stands on its class.

    BaseopsError                      1   AWS or I/O failed
    ├── UsageError                    2   the command line asks for what cannot be
    ├── DeclarationError              2   the declaration or lock cannot be used (carries its problems)
    ├── CompileError                  2   the declaration is fine but cannot become a template
    ├── VerdictError                  3   the run worked and its verdict is negative
    ├── AccessError                   4   no credentials, expired credentials, or a permission is missing
    ├── InconclusiveError             5   what was asked could not be found out
    ├── AwsError                      1   AWS answered with an error
    │   ├── NotFoundError             1   AWS does not know the thing (also LookupError)
    │   └── ThrottledError            1   AWS still throttles after all retries
    ├── SnapshotError                 1   an image cannot be read as asked
    │   ├── DamagedError              1   a structure in it is damaged; names the structure and its offset
    │   ├── UnsupportedError          1   it holds something that baseops does not read (LUKS, RAID, …); names it
    │   └── NoSuchPathError           1   it has no such path (also FileNotFoundError)
    ├── StackError                    1   a stack is in a state that apply cannot go on from, or an operation failed
    └── SandboxError                  1   the sandbox was asked for something that it does not know
    Interrupted                     130   Ctrl-C, after what was begun has been written down

A message has three parts: what failed and where, why, and what to do (a command to paste).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baseops.declaration.problem import Problem


class BaseopsError(Exception):
    """What every error of ours is. `what` (and where), `why`, `remedy`; each a phrase without a final dot."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        """Keep the three parts apart, so that a caller may lay them out."""
        super().__init__(what, why, remedy)
        self.what = what
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        """The three parts in one line."""
        text = f"{self.what}: {self.why}" if self.why else self.what
        return f"{text}. {self.remedy}" if self.remedy else text


class UsageError(BaseopsError):
    """The command line asks for what cannot be."""

    exit_code = 2


class DeclarationError(BaseopsError):
    """The declaration or its lock cannot be used; `problems` lists what to correct, in the order of the file."""

    exit_code = 2

    def __init__(self, what: str, why: str = "", remedy: str = "", *, problems: Sequence[Problem] = ()) -> None:
        """Keep the problems beside the message, for a caller that lays them out."""
        super().__init__(what, why, remedy)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """The message, and under it each problem as `file:line:column: path: message`."""
        return "\n".join((super().__str__(), *map(str, self.problems)))


class CompileError(BaseopsError):
    """The declaration is valid but cannot become a template (a base that is not locked, a stack that is full)."""

    exit_code = 2


class VerdictError(BaseopsError):
    """The run worked and its verdict is negative."""

    exit_code = 3


class AccessError(BaseopsError):
    """No credentials, expired credentials, or a permission is missing."""

    exit_code = 4


class InconclusiveError(BaseopsError):
    """What was asked could not be found out; never a success."""

    exit_code = 5


class AwsError(BaseopsError):
    """AWS answered with an error; `code` is AWS's own."""

    def __init__(self, what: str, why: str = "", remedy: str = "", *, code: str = "") -> None:
        """Keep AWS's error code for callers that expect one."""
        super().__init__(what, why, remedy)
        self.code = code


class NotFoundError(AwsError, LookupError):
    """AWS does not know the thing."""


class ThrottledError(AwsError):
    """AWS still throttles after all retries."""


class SnapshotError(BaseopsError):
    """An image cannot be read as asked; `what` names the structure and its offset in the device."""


class DamagedError(SnapshotError):
    """A structure in an image is damaged; the message names the structure and its offset."""


class UnsupportedError(SnapshotError):
    """An image holds something that baseops does not read; the message names it."""


class NoSuchPathError(SnapshotError, FileNotFoundError):
    """A file system has no such path."""


class StackError(BaseopsError):
    """A stack is in a state that apply cannot go on from, or a stack operation failed."""


class SandboxError(BaseopsError):
    """The sandbox was asked for something that it does not know."""


class Interrupted(BaseopsError):  # noqa: N818  # it is not an error of anybody's
    """Ctrl-C, after what was begun has been written down."""

    exit_code = 130
