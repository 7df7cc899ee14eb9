"""Commands inside instances: a shell over the instance's root folder, apart from the machine that runs it.

Whoever makes a world puts files into `root_of(folder, instance_id)`; an instance without that folder has no guest.
Programs are this machine's, read-only; `systemctl` is a small one of ours that knows the units in the guest's
`/etc/systemd/system`. Where the machine allows no isolation (no bubblewrap, not root) nothing is run, and that is
said. Nothing of the guest can reach a network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LONGEST_SECONDS = 120.0
"""A guest's command runs in real time; none runs longer, whatever it may."""
_OUTPUT_LIMIT = 48_000
_PROGRAMS = ("bin", "sbin", "lib", "lib64")

_SYSTEMCTL = """\
#!/bin/sh
# systemctl of the sandbox's guests: units are files, their states are files.
states=/var/lib/sandbox-units
mkdir -p "$states"
verb=$1; shift
while [ "${1#-}" != "$1" ]; do shift; done
[ "$verb" = daemon-reload ] && exit 0
for unit in "$@"; do
  name=${unit%.service}
  if [ ! -e "/etc/systemd/system/$name.service" ]; then
    echo "Unit $name.service could not be found." >&2
    [ "$verb" = is-active ] && { echo inactive; exit 3; }
    exit 5
  fi
  case $verb in
    start|restart|reload|try-restart|reload-or-restart)
      echo active > "$states/$name"; echo "$verb" >> "$states/$name.log" ;;
    stop) echo inactive > "$states/$name"; echo stop >> "$states/$name.log" ;;
    enable|disable) ;;
    is-active|status)
      state=$(cat "$states/$name" 2>/dev/null || echo inactive); echo "$state"
      [ "$state" = active ] || exit 3 ;;
    *) echo "Unknown command verb $verb." >&2; exit 1 ;;
  esac
done
"""

_ENTER = """\
set -eu
root=$1; tools=$2; script=$3
mount --make-rprivate /
for each in usr bin sbin lib lib64; do
  if [ -L "/$each" ]; then
    [ -e "$root/$each" ] || ln -s "$(readlink "/$each")" "$root/$each"
  elif [ -d "/$each" ]; then
    mkdir -p "$root/$each"; mount --bind "/$each" "$root/$each"; mount -o remount,bind,ro "$root/$each"
  fi
done
mount --bind "$tools" "$root/usr/local/sbin"
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
mount -t proc proc "$root/proc"
mount -t tmpfs -o size=1m tmpfs "$root/dev"
for each in null zero random urandom; do touch "$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"; done
exec chroot "$root" /bin/sh -c 'cd /root 2>/dev/null || cd /; exec /bin/sh /tmp/.sandbox-command'
"""


@dataclass(frozen=True)
class Ran:
    """How a command went."""

    code: int
    output: str
    errors: str
    seconds: float
    is_timed_out: bool = False


class NotExercisedError(Exception):
    """What this machine, or this world, cannot run."""


def root_of(folder: Path, instance_id: str) -> Path:
    """The folder that an instance sees as `/`."""
    return folder / "guests" / instance_id / "root"


def why_not(folder: Path, instance_id: str) -> str | None:
    """Why nothing can be run in the instance; None where it can."""
    if not root_of(folder, instance_id).is_dir():
        return f"the world gave {instance_id} no files"
    if not (shutil.which("bwrap") or _may_unshare()):
        return "this machine has no bubblewrap, and this process is not root"
    return None


def run(folder: Path, instance_id: str, lines: Sequence[str], timeout: float) -> Ran:
    """Run a shell script in the instance as root. Raises `NotExercisedError`."""
    reason = why_not(folder, instance_id)
    if reason:
        raise NotExercisedError(reason)
    root, tools = root_of(folder, instance_id), _tools(folder)
    script = root / "tmp" / ".sandbox-command"
    script.parent.mkdir(exist_ok=True)
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = _with_bubblewrap(root, tools) if shutil.which("bwrap") else _with_unshare(root, tools, script)
    return _run(command, min(timeout, LONGEST_SECONDS))


def _run(command: Sequence[str], timeout: float) -> Ran:
    began = time.monotonic()
    environment = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
            is_timed_out = False
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            is_timed_out = True
    seconds = time.monotonic() - began
    return Ran(process.returncode, _shown(output), _shown(errors), seconds, is_timed_out)


def _with_bubblewrap(root: Path, tools: Path) -> list[str]:
    links = [
        part
        for each in _PROGRAMS
        if (Path("/") / each).is_symlink()
        for part in ("--symlink", str(Path(f"/{each}").readlink()), f"/{each}")
    ]
    bind = ["--bind", str(root), "/", "--ro-bind", "/usr", "/usr", "--ro-bind", str(tools), "/usr/local/sbin"]
    apart = ["--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]
    return ["bwrap", *bind, *links, *apart, "/bin/sh", "/tmp/.sandbox-command"]  # noqa: S108  # inside the guest


def _with_unshare(root: Path, tools: Path, script: Path) -> list[str]:
    apart = ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    return [*apart, "/bin/sh", "-c", _ENTER, "sandbox", str(root), str(tools), str(script)]


@cache
def _may_unshare() -> bool:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("chroot"):
        return False
    test = ["unshare", "--mount", "--pid", "--net", "--fork", "true"]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


def _tools(folder: Path) -> Path:
    tools = folder / "guests" / ".tools"
    if not tools.exists():
        tools.mkdir(parents=True)
        (tools / "systemctl").write_text(_SYSTEMCTL, encoding="utf-8")
        (tools / "systemctl").chmod(0o755)
    return tools


def _shown(output: bytes) -> str:
    return output[:_OUTPUT_LIMIT].decode(errors="replace")
