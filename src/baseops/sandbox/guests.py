"""Runs a script in a guest: a root folder as `/`, apart from the machine that runs it, with few rights.

Programs are this machine's, below the guest's own `/usr`; what the sandbox answers itself (`systemctl`, `dnf`, `aws`)
is asked for through two pipes. There is no network, no device but the harmless ones, and /proc/sys is read-only. What
the script changes is in the root folder afterwards, dated by the account's clock. Where the machine allows no such
isolation nothing is run, and that is said.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path

LONGEST_SECONDS = 120.0
"""A guest's command runs in real time; none runs longer, whatever it may."""
_OUTPUT_LIMIT = 48_000
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_MOUNT_POINTS = ("usr", "proc", "dev", "run", "tmp")
_CAPABILITIES = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+sys_chroot"

# An overlay over this machine's programs: what the guest writes below /usr lands in its own root folder. Where that
# lies on an overlay itself (in a container) the kernel refuses, and a copy in memory is written back.
_ENTER = """\
set -eu
root=$1 work=$2 bridge=$3 capabilities=$4 shell=$5 options=
mount --make-rprivate /
[ "$(cat /proc/self/uid_map | tr -s ' ')" = " 0 0 4294967295" ] || options=,userxattr
copied=
if ! mount -t overlay overlay -o "lowerdir=/usr,upperdir=$root/usr,workdir=$work$options" "$root/usr" 2>/dev/null; then
  copied=$work/memory
  mkdir -p "$copied"; mount -t tmpfs tmpfs "$copied"; mkdir "$copied/upper" "$copied/work"
  cp -a "$root/usr/." "$copied/upper/"
  mount -t overlay overlay -o "lowerdir=/usr,upperdir=$copied/upper,workdir=$copied/work$options" "$copied"
  mount --bind "$copied" "$root/usr"
fi
mount -t proc proc "$root/proc"
mount -o bind "$root/proc/sys" "$root/proc/sys"; mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o size=1m,mode=755 tmpfs "$root/dev"
for each in null zero random urandom; do : > "$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"; done
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o size=8m,mode=755 tmpfs "$root/run"
mkdir "$root/run/sandbox"; mount --bind "$bridge" "$root/run/sandbox"
setpriv --bounding-set "$capabilities" --inh-caps -all chroot "$root" \
  /bin/sh -c 'cd /root 2>/dev/null || cd /; exec "$0" /run/sandbox/script' "$shell"
"""

_ASK = """\
#!/bin/sh
# The sandbox answers for this program.
exec 9>>/run/sandbox/lock
flock 9
printf '%s\\0' "$#" "$PWD" "${0##*/}" "$@" > /run/sandbox/request
read -r code < /run/sandbox/reply
cat /run/sandbox/output
cat /run/sandbox/errors >&2
exit "$code"
"""

_DATE = """\
#!/bin/sh
# date, by the account's clock.
for each in "$@"; do
  case $each in -d*|--date*|-s*|--set*|-r*|--reference*|-f*|--file*) exec /usr/bin/date "$@" ;; esac
done
exec /usr/bin/date -d "@$SANDBOX_TIME" "$@"
"""


@dataclass(frozen=True)
class Reply:
    """What a program said that the sandbox answers for."""

    code: int = 0
    output: str = ""
    errors: str = ""


Answer = Callable[[Path, str, Sequence[str], str], Reply]
"""(root, program, arguments, working directory) to its reply. The root is the guest's own view of its folder: what is
written beside an overlay, it may never see."""

_Asked = Callable[[str, Sequence[str], str], Reply]


@dataclass(frozen=True)
class Ran:
    """How a script went."""

    code: int
    output: str
    errors: str
    seconds: float
    is_timed_out: bool = False


class NotExercisedError(Exception):
    """What this machine, or this world, cannot run."""


@cache
def why_not() -> str | None:
    """Why this machine runs no guests; None where it does."""
    missing = [each for each in ("unshare", "setpriv", "chroot", "mount", "flock") if not shutil.which(each)]
    if missing:
        return f"this machine has no {', no '.join(missing)}"
    if not all((Path("/") / name).is_symlink() for name in ("bin", "lib")):
        return "this machine keeps its programs outside /usr"
    done = subprocess.run([*_apart(), "true"], capture_output=True, check=False)
    return None if done.returncode == 0 else "this machine lets this process have no namespaces of its own"


def run(
    root: Path,
    script: str,
    *,
    timeout: float,
    now: datetime,
    programs: Sequence[str] = (),
    answer: Answer | None = None,
    shell: str = "/bin/sh",
) -> Ran:
    """Run a shell script as root over a root folder. Raises `NotExercisedError`."""
    reason = why_not()
    if reason:
        raise NotExercisedError(reason)
    with _bridge(programs, script) as bridge, _furnished(root):
        began = bridge.stat().st_ctime_ns
        work = Path(tempfile.mkdtemp(prefix=f"{root.name}-", dir=_work_place(root)))
        try:
            inner = ["/bin/sh", "-c", _ENTER, "sandbox", *map(str, (root, work, bridge)), _CAPABILITIES, shell]
            ran = _run(root, [*_apart(), *inner], bridge, answer, min(timeout, LONGEST_SECONDS), now)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    _date(root, began, int(now.timestamp()))
    return ran


def _apart() -> list[str]:
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *own, "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]


def _work_place(root: Path) -> Path:
    """Beside the root folder, as an overlay wants it."""
    place = root.parent / ".work"
    place.mkdir(exist_ok=True)
    return place


@contextmanager
def _bridge(programs: Sequence[str], script: str) -> Iterator[Path]:
    """The folder that guest and sandbox share: the script, the programs, and two pipes."""
    with tempfile.TemporaryDirectory(prefix="baseops-guest-") as folder:
        bridge = Path(folder)
        bridge.chmod(0o755)
        (bridge / "script").write_text(script, encoding="utf-8")
        (bridge / "bin").mkdir()
        for name, text in (*((each, _ASK) for each in programs), ("date", _DATE)):
            (bridge / "bin" / name).write_text(text, encoding="utf-8")
            (bridge / "bin" / name).chmod(0o755)
        for name in ("request", "reply"):
            os.mkfifo(bridge / name)
        yield bridge


@contextmanager
def _furnished(root: Path) -> Iterator[None]:
    """What a root needs to be one; taken away again where it was not there."""
    made = [root / name for name in (*_MOUNT_POINTS, *_LINKS) if not os.path.lexists(root / name)]
    for each in made:
        each.symlink_to(_LINKS[each.name]) if each.name in _LINKS else each.mkdir()
    try:
        yield
    finally:
        for each in made:
            if each.is_symlink():
                each.unlink()
            elif not any(each.iterdir()):
                each.rmdir()


def _run(root: Path, command: Sequence[str], bridge: Path, answer: Answer | None, timeout: float, now: datetime) -> Ran:
    path = "/run/sandbox/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "SANDBOX_TIME": str(int(now.timestamp()))}
    began = time.monotonic()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        seen = Path(f"/proc/{process.pid}/root{root}")
        asked = partial(answer, seen) if answer else _lacking
        output, errors, is_timed_out = _attend(process, bridge, asked, began + timeout)
    return Ran(process.returncode, _shown(output), _shown(errors), time.monotonic() - began, is_timed_out)


def _lacking(program: str, _arguments: Sequence[str], _folder: str) -> Reply:
    return Reply(127, "", f"{program}: command not found\n")


def _attend(
    process: subprocess.Popen[bytes], bridge: Path, answer: _Asked, deadline: float
) -> tuple[bytes, bytes, bool]:
    """Collect what it says and answer what it asks, until it ends or its time is over."""
    requests, replies = (os.open(bridge / name, os.O_RDWR | os.O_NONBLOCK) for name in ("request", "reply"))
    said: dict[int, bytearray] = {each.fileno(): bytearray() for each in (process.stdout, process.stderr) if each}
    outputs, waiting, asked = list(said), set(said), bytearray()
    is_timed_out = False
    try:
        while waiting:
            ready, _, _ = select.select([*waiting, requests], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                is_timed_out = True
                os.killpg(process.pid, signal.SIGKILL)
                break
            for each in ready:
                data = os.read(each, 65536)
                if each == requests:
                    asked += data
                    asked = _answered(asked, bridge, replies, answer)
                elif data:
                    said[each] += data
                else:
                    waiting.discard(each)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # it would wait for an answer
        raise
    finally:
        os.close(requests)
        os.close(replies)
    return bytes(said[outputs[0]]), bytes(said[outputs[1]]), is_timed_out


def _answered(asked: bytearray, bridge: Path, replies: int, answer: _Asked) -> bytearray:
    """Answer a whole request: how many arguments, the working directory, the program, its arguments."""
    parts = bytes(asked).split(b"\0")
    if len(parts) < 4 or len(parts) - 4 < int(parts[0]):
        return asked
    folder, program, *arguments = (part.decode(errors="replace") for part in parts[1 : 3 + int(parts[0])])
    reply = answer(program, arguments, folder)
    (bridge / "output").write_text(reply.output, encoding="utf-8", errors="surrogateescape")
    (bridge / "errors").write_text(reply.errors, encoding="utf-8", errors="surrogateescape")
    os.write(replies, f"{reply.code}\n".encode())
    return bytearray()


def _date(root: Path, began_ns: int, now: int) -> None:
    """Give what was written meanwhile the account's time: the guest's own clock is this machine's."""
    ended_ns = _real_now(root)
    for folder, names, files in os.walk(root, topdown=False):
        for name in (*files, *names, "."):
            place = f"{folder}/{name}"
            status = os.lstat(place)
            if began_ns <= status.st_mtime_ns <= ended_ns and status.st_ctime_ns >= began_ns:
                os.utime(place, (now, now), follow_symlinks=False)


def _real_now(root: Path) -> int:
    """This machine's time as its files get it; the process's own time is the account's."""
    with tempfile.NamedTemporaryFile(dir=root.parent) as marker:
        return os.fstat(marker.fileno()).st_mtime_ns


def _shown(output: bytes) -> str:
    return output[:_OUTPUT_LIMIT].decode(errors="replace")
