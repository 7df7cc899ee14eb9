"""The shell script that mounts a restored volume and reads declared files from it, and what its answer means.

It says numbers and words of its own alone, never a byte of a file. The volume is a copy, so it is mounted as any other:
its file system's journal is replayed by the kernel.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baseops.areas.backups.spec.read import Read

_BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
"""https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html"""
PARTITIONS = 16

_MOUNT = """\
at=$(mktemp -d); found=; mounted=; kinds=
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  for each in $candidates; do
    said=$(mount "$each" "$at" 2>&1 || mount -t xfs -o nouuid "$each" "$at" 2>&1) && said=mounted
    case $said in *"does not exist"*) continue ;; esac
    found=1
    [ "$said" = mounted ] || { kinds="$kinds $(blkid -o value -s TYPE "$each" 2>/dev/null)"; continue; }
    mounted=$each
    [ -e "$at"$first ] && break 2
    umount "$at"
  done
  [ -n "$found" ] && break
  sleep 2
done
[ -n "$found" ] || { echo "baseops no device"; exit 0; }
[ -n "$mounted" ] || { echo "baseops not mounted $kinds"; exit 0; }
[ -e "$at"$first ] || mount "$mounted" "$at" 2>/dev/null || mount -t xfs -o nouuid "$mounted" "$at"
read_file() {
  real=$(readlink -f "$at$2")
  case $real in "$(readlink -f "$at")"/*) ;; *) echo "baseops file $1 outside"; return ;; esac
  [ -f "$real" ] || { echo "baseops file $1 missing"; return; }
  count=$(cat "$real" | wc -c) || count=-1
  echo "baseops file $1 read $((count)) $(stat -c '%s %Y' "$real")"
}
check_database() {
  command -v python3 >/dev/null || { echo "baseops check $1 nothing"; return; }
  python3 - "$(readlink -f "$at$2")" <<'END' && echo "baseops check $1 sound" || echo "baseops check $1 unsound"
import sqlite3, sys
print(end="")
found = sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check(1)").fetchall()
sys.exit(found != [("ok",)])
END
}
"""


@dataclass(frozen=True)
class FileRead:
    """What was read of one file: `missing` or `outside` in place of numbers."""

    word: str
    read_bytes: int = 0
    size: int = 0
    modified: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """What the script found. `trouble` is why nothing could be read."""

    trouble: str = ""
    files: dict[int, FileRead] = field(default_factory=dict)
    checks: dict[int, str] = field(default_factory=dict)


def script(volume_id: str, device: str, reads: Sequence[Read]) -> list[str]:
    """The lines for Run Command."""
    partition = next((each.partition for each in reads if each.partition), None)
    lines = [f"candidates={shlex.quote(' '.join(_candidates(volume_id, device, partition)))}"]
    lines += [f"first={shlex.quote(reads[0].path)}", *_MOUNT.splitlines()]
    for number, read in enumerate(reads):
        lines.append(f"read_file {number} {shlex.quote(read.path)}")
        if read.check == "sqlite-integrity":
            lines.append(f"check_database {number} {shlex.quote(read.path)} 2>/dev/null")
    return [*lines, 'umount "$at"; rmdir "$at"']


def parse(output: str) -> Answer:
    """Read what the script said; other lines are passed over."""
    answer = Answer()
    for line in output.splitlines():
        words = line.split()
        if words[:2] == ["baseops", "no"]:
            return Answer("the attached volume did not show up in the instance")
        if words[:3] == ["baseops", "not", "mounted"]:
            kinds = ", ".join(sorted(set(words[3:])))
            return Answer(f"it cannot be mounted{f' ({kinds})' if kinds else ''}")
        if words[:2] == ["baseops", "file"] and len(words) >= 4:
            answer.files[int(words[2])] = _file(words[3:])
        elif words[:2] == ["baseops", "check"] and len(words) == 4:
            answer.checks[int(words[2])] = words[3]
    return answer


def _candidates(volume_id: str, device: str, partition: int | None) -> list[str]:
    """The names that the volume, or its partitions, may have in an instance; Nitro's first."""
    names = [f"{_BY_ID}{volume_id.replace('-', '')}", device, device.replace("/dev/sd", "/dev/xvd")]
    numbers = [partition] if partition else list(range(1, PARTITIONS))
    parts = [f"{names[0]}-part{number}" for number in numbers]
    parts += [f"{name}{number}" for name in names[1:] for number in numbers]
    return parts if partition else [*names, *parts]


def _file(words: Sequence[str]) -> FileRead:
    if words[0] != "read" or len(words) != 4:
        return FileRead(words[0])
    count, size, modified = (int(each) for each in words[1:])
    return FileRead("read", count, size, datetime.fromtimestamp(modified, UTC))
