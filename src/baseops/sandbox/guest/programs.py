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


@dataclass(frozen=True)
class Disk:
    """An attached volume: its names, and its files; None where it holds no file system that can be mounted."""

    volume_id: str
    names: tuple[str, ...]
    folder: Callable[[], Path | None]


@dataclass(frozen=True)
class Mounted:
    """What is mounted somewhere."""

    device: str
    volume_id: str
    read_only: bool = False


def _no_power(_kind: str, _seconds: float) -> None:
    """Nothing stops a guest that is no instance."""


@dataclass
class Guest:
    """A guest at work. `running` are the states of units that were changed since boot.

    `clients` gives those of the instance's role, None where it has none; `power` stops or boots the instance after so
    many seconds. `not_exercised` collects what needs more than the sandbox has; whoever runs a guest says so.
    """

    root: Path
    now: Callable[[], datetime]
    region: str = ""
    architecture: str = "x86_64"
    clients: Callable[[], Clients | None] = lambda: None
    running: dict[str, bool] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    not_exercised: list[str] = field(default_factory=list)
    disks: Callable[[], Sequence[Disk]] = tuple
    mounts: dict[str, Mounted] = field(default_factory=dict)
    power: Callable[[str, float], None] = _no_power

    def shown(self) -> dict[str, tuple[Path, bool]]:
        """The folders that are mounted, by where, and whether for reading alone."""
        folders = {disk.volume_id: disk.folder for disk in self.disks()} if self.mounts else {}
        found = {path: (folders.get(each.volume_id), each.read_only) for path, each in self.mounts.items()}
        places = {path: (folder() if folder else None, read_only) for path, (folder, read_only) in found.items()}
        return {path: (place, read_only) for path, (place, read_only) in places.items() if place}


Program = Callable[[Guest, Sequence[str], str], Reply]


def run_script(guest: Guest, script: str, timeout: float, *, programs: Mapping[str, Program] | None = None) -> Ran:
    """Run a script in a guest with all programs, and more. Raises `guests.NotExercisedError`."""
    known = {**_programs(), **(programs or {})}

    def answer(root: Path, name: str, arguments: Sequence[str], folder: str) -> Reply:
        return known[name](replace(guest, root=root), arguments, folder)

    return run(
        guest.root, script, timeout=timeout, now=guest.now(), programs=tuple(known), answer=answer, shown=guest.shown()
    )


def _programs() -> dict[str, Program]:
    from baseops.sandbox.guest import aws_cli, disks, dnf, kernel, offline, power, rpm, systemctl

    return {
        "aws": aws_cli.answer,
        "dnf": dnf.answer,
        "yum": dnf.answer,
        "rpm": rpm.answer,
        "sysctl": kernel.sysctl,
        "passwd": kernel.passwd,
        "systemctl": systemctl.answer,
        "mount": disks.mount,
        "umount": disks.umount,
        "mountpoint": disks.mountpoint,
        "fsfreeze": disks.fsfreeze,
        "blkid": disks.blkid,
        "sync": disks.sync,
        "shutdown": power.shutdown,
        **{
            name: power.at_once("reboot" if name == "reboot" else "poweroff") for name in ("reboot", "poweroff", "halt")
        },
        **{name: offline.program(name) for name in offline.NAMES},
    }


__all__ = ["Clients", "Disk", "Guest", "Mounted", "NotExercisedError", "Program", "run_script"]
