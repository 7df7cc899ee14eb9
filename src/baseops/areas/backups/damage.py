"""What goes wrong on the volumes themselves, done in a copy of the sandbox account just before a snapshot is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.sources import tags_of
from baseops.areas.backups.world_files import ROWS, database
from baseops.contract.sandbox_account import SandboxAccount

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import Read
    from baseops.areas.backups.spec.section import Entry

SNAPSHOT_TAKES = timedelta(minutes=30)
PAGE = 4096

# Any: what botocore answers.


class FileDamage:
    """Damage to one declared file, on every volume that is meant by its tags."""

    def __init__(self, entry: Entry, read: Read) -> None:
        """The file is on volumes that have the read's tags and one of the target's."""
        self._entry = entry
        self._read = read

    def remove(self, account: SandboxAccount) -> None:
        """The file is gone."""
        self._write(account, lambda: None)

    def truncate(self, account: SandboxAccount) -> None:
        """A disk that was full left half of it."""
        whole = database(ROWS, account.clock.now())
        self._write(account, lambda: whole[: len(whole) // 2])

    def flip(self, account: SandboxAccount) -> None:
        """One page in its midst has other bits than were written."""
        data = bytearray(database(ROWS, account.clock.now()))
        at = len(data) // PAGE // 2 * PAGE
        data[at : at + PAGE] = bytes(each ^ 0xFF for each in data[at : at + PAGE])
        self._write(account, lambda: bytes(data))

    def empty(self, account: SandboxAccount) -> None:
        """It was made anew, and nothing was put in: SQLite finds nothing wrong with it."""
        self._write(account, lambda: b"")

    def wipe(self, account: SandboxAccount) -> None:
        """The volume holds noise: no file system is left."""
        noise = bytes((each * 197 + 13) % 251 for each in range(4 << 20))
        for volume in self._volumes(account):
            place = account.folder / "volumes" / f"{volume['VolumeId']}.img"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(noise)
        self._snapshot(account)

    def stop_writing(self, account: SandboxAccount) -> None:
        """The hosts are stopped; their volumes go on being backed up."""
        ec2 = account.client("ec2")
        hosts = [one["InstanceId"] for each in self._volumes(account) for one in each["Attachments"]]
        ec2.stop_instances(InstanceIds=sorted(set(hosts)))

    def deselect(self, account: SandboxAccount) -> None:
        """The volumes lose the tag that selects them."""
        target = self._entry.target
        keys = [{"Key": key} for key in (target.tags if target else {})]
        volumes = [each["VolumeId"] for each in self._volumes(account)]
        account.client("ec2").delete_tags(Resources=volumes, Tags=keys)

    def _write(self, account: SandboxAccount, data: Callable[[], bytes | None]) -> None:
        for volume in self._volumes(account):
            account.write_files(volume["VolumeId"], {self._read.path: data()})
        self._snapshot(account)

    def _snapshot(self, account: SandboxAccount) -> None:
        for volume in self._volumes(account):
            account.client("ec2").create_snapshot(VolumeId=volume["VolumeId"])
        account.clock.sleep(SNAPSHOT_TAKES.total_seconds())

    def _volumes(self, account: SandboxAccount) -> list[Mapping[str, Any]]:
        wanted: Mapping[str, str] = getattr(self._read.volume, "tags", None) or {}
        target = self._entry.target.tags if self._entry.target else {}
        found = account.client("ec2").describe_volumes()["Volumes"]
        return [
            each for each in found if wanted.items() <= tags_of(each).items() and target.items() & tags_of(each).items()
        ]


def damaged_files(entry: Entry) -> Iterator[tuple[FileDamage, Read]]:
    """Of each database that is declared on volumes with tags of their own."""
    target = entry.target
    if target is None or target.resource != "volume":
        return
    for read in entry.read:
        if read.check == "sqlite-integrity" and getattr(read.volume, "tags", None):
            yield FileDamage(entry, read), read
