"""What answers for the programs of a guest: a guest, and a function for each program by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from baseops.sandbox.guests import NotExercisedError, Ran, Reply, run


class Clients(Protocol):
    """Whoever gives clients of the instance's role."""

    def client(self, service: str, region: str | None = None) -> Any:
        """Any, as botocore makes the classes at run time."""


@dataclass
class Guest:
    """A guest at work. `running` are the states of units that were changed since boot.

    `clients` gives those of the instance's role, None where it has none. `not_exercised` collects what needs more than
    the sandbox has; whoever runs a guest says so.
    """

    root: Path
    now: Callable[[], datetime]
    region: str = ""
    architecture: str = "x86_64"
    clients: Callable[[], Clients | None] = lambda: None
    running: dict[str, bool] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    not_exercised: list[str] = field(default_factory=list)


Program = Callable[[Guest, Sequence[str], str], Reply]


def run_script(guest: Guest, script: str, timeout: float, *, programs: Mapping[str, Program] | None = None) -> Ran:
    """Run a script in a guest with all programs, and more. Raises `guests.NotExercisedError`."""
    known = {**_programs(), **(programs or {})}

    def answer(root: Path, name: str, arguments: Sequence[str], folder: str) -> Reply:
        return known[name](replace(guest, root=root), arguments, folder)

    return run(guest.root, script, timeout=timeout, now=guest.now(), programs=tuple(known), answer=answer)


def _programs() -> dict[str, Program]:
    from baseops.sandbox.guest import aws_cli, dnf, kernel, offline, rpm, systemctl

    return {
        "aws": aws_cli.answer,
        "dnf": dnf.answer,
        "yum": dnf.answer,
        "rpm": rpm.answer,
        "sysctl": kernel.sysctl,
        "passwd": kernel.passwd,
        "systemctl": systemctl.answer,
        **{name: offline.program(name) for name in offline.NAMES},
    }


__all__ = ["Clients", "Guest", "NotExercisedError", "Program", "run_script"]
