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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from baseops.sandbox.guest.paths import within

LONGEST_SECONDS = 120.0
"""A guest's command runs in real time; none runs longer, whatever it may."""
_OUTPUT_LIMIT = 48_000
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_PIPES = ("request", "reply", "turn")
_MOUNT_POINTS = ("usr", "proc", "dev", "run", "tmp")
_CAPABILITIES = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+sys_chroot"

# An overlay over this machine's programs: what the guest writes below /usr lands in its own root folder. Where that
# lies on an overlay itself (in a container) the kernel refuses, and a copy in memory is written back.
_ENTER = """\
set -eu
root=$1 work=$2 mounts=$3 options=$4 capabilities=$5 memory=
if ! mount -t overlay overlay -o "lowerdir=/usr,upperdir=$root/usr,workdir=$work$options" "$root/usr" 2>/dev/null; then
  memory=$work/memory
  mkdir "$memory"; mount -t tmpfs tmpfs "$memory"; mkdir "$memory/upper" "$memory/work"
  cp -a "$root/usr/." "$memory/upper/"
  mount -t overlay overlay -o "lowerdir=/usr,upperdir=$memory/upper,workdir=$memory/work$options" "$root/usr"
fi
mount --all --fstab "$mounts"
set +e
setpriv --bounding-set "$capabilities" --inh-caps -all chroot "$root" \
  /bin/sh -c 'cd /root 2>/dev/null || cd /; exec /bin/sh /run/sandbox/script'
code=$?
if [ -n "$memory" ]; then
  umount -l "$root/usr"
  find "$root/usr" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
  cp -a "$memory/upper/." "$root/usr/"
fi
exit "$code"
"""
_DEVICES = ("null", "zero", "random", "urandom")

# One at a time: who takes the newline out of the pipe may ask. Nothing but the shell runs where nothing is said.
_ASK = """\
#!/bin/sh
# The sandbox answers for this program.
shared=/run/sandbox
read -r turn < $shared/turn
printf '%s\\0' "$#" "$PWD" "${0##*/}" "$@" > $shared/request
read -r code < $shared/reply
[ ! -s $shared/output ] || /bin/cat $shared/output
[ ! -s $shared/errors ] || /bin/cat $shared/errors >&2
echo > $shared/turn
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
    if os.geteuid() != 0:
        return "this process is not root (started below `unshare --map-root-user` it is)"
    missing = [each for each in ("unshare", "nsenter", "setpriv", "chroot", "mount") if not shutil.which(each)]
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
    shown: Mapping[str, tuple[Path, bool]] | None = None,
) -> Ran:
    """Run a shell script as root over a root folder. Raises `NotExercisedError`.

    `shown` are folders that are mounted in it, by where, and whether for reading alone.
    """
    reason = why_not()
    if reason:
        raise NotExercisedError(reason)
    with _bridge(programs, script) as bridge, _furnished(root):
        began = bridge.stat().st_ctime_ns
        work = Path(tempfile.mkdtemp(prefix=f"{root.name}-", dir=_work_place(root)))
        try:
            mounts = _mounts(root, bridge, shown or {})
            inner = ["/bin/sh", "-c", _ENTER, "sandbox", *map(str, (root, work, mounts)), _overlay(), _CAPABILITIES]
            ran = _run(root, [*_apart(), *inner], bridge, answer, min(timeout, LONGEST_SECONDS), now)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    for folder in {root, *(source for source, _ in (shown or {}).values()), *_mounted.pop(root, ())}:
        _date(folder, began, int(now.timestamp()))
    return ran


_mounted: dict[Path, set[Path]] = {}
"""What was mounted while a script ran, by the root folder."""


def show(view: Path, source: Path | None, path: str, *, read_only: bool = False) -> None:
    """Mount a folder at a path of a running guest, or (None) unmount it; `view` is the root as its programs get it."""
    _, _, process, _, *parts = view.parts
    root = Path("/", *parts)
    place = within(view, path)
    target = str(root / place.relative_to(view))
    enter = ["nsenter", "--target", process, "--mount"]
    options = ["--bind", *(["-o", "ro"] if read_only else [])]
    command = [*enter, "mount", *options, str(source), target] if source else [*enter, "umount", target]
    subprocess.run(command, check=True, capture_output=True)
    if source:
        _mounted.setdefault(root, set()).add(source)


def _apart() -> list[str]:
    return ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]


def _work_place(root: Path) -> Path:
    """Beside the root folder, as an overlay wants it."""
    place = root.parent / ".work"
    place.mkdir(exist_ok=True)
    return place


@cache
def _overlay() -> str:
    """More options of an overlay: in a user namespace it cannot keep attributes of its own as root does."""
    is_mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split() != ["0", "0", "4294967295"]
    return ",userxattr" if is_mapped else ""


def _mounts(root: Path, bridge: Path, shown: Mapping[str, tuple[Path, bool]]) -> Path:
    """All further mounts as one table, in order: one program does them all."""
    folder = bridge.parent.parent
    rows = [("proc", root / "proc", "proc", "defaults"), (root / "proc/sys", root / "proc/sys", "none", "bind,ro")]
    rows += [(folder / name, root / name, "none", "bind") for name in ("dev", "run")]
    rows += [(f"/dev/{name}", root / "dev" / name, "none", "bind") for name in _DEVICES]
    for path, (source, read_only) in shown.items():
        if (place := within(root, path)).is_dir():
            rows.append((source, place, "none", "bind,ro" if read_only else "bind"))
    table = folder / "mounts"
    lines = [" ".join(str(each).replace(" ", "\\040") for each in row) + " 0 0\n" for row in rows]
    table.write_text("".join(lines), encoding="utf-8")
    return table


@contextmanager
def _bridge(programs: Sequence[str], script: str) -> Iterator[Path]:
    """What guest and sandbox share, the guest's /run/sandbox: the script, the programs, and the pipes."""
    with tempfile.TemporaryDirectory(prefix="baseops-guest-") as folder:
        bridge = Path(folder) / "run" / "sandbox"
        (bridge / "bin").mkdir(parents=True)
        (bridge / "script").write_text(script, encoding="utf-8")
        (bridge / ".ask").write_text(_ASK, encoding="utf-8")
        (bridge / ".ask").chmod(0o755)
        (bridge / "bin" / "date").write_text(_DATE, encoding="utf-8")
        (bridge / "bin" / "date").chmod(0o755)
        for name, target in (*((each, "../.ask") for each in programs), *_alternatives().items()):
            (bridge / "bin" / name).symlink_to(target)
        for name in _PIPES:
            os.mkfifo(bridge / name)
        devices = Path(folder) / "dev"
        devices.mkdir()
        for name in _DEVICES:
            (devices / name).touch()
        (devices / "fd").symlink_to("/proc/self/fd")
        yield bridge


@cache
def _alternatives() -> dict[str, str]:
    """Programs that Debian reaches through /etc/alternatives, which a guest does not see."""
    found = {name: shutil.which(name) for name in ("awk", "nc", "vi", "which")}
    places = {name: str(Path(place).resolve()) for name, place in found.items() if place}
    return {name: place for name, place in places.items() if Path(place).name != name and place.startswith("/usr/")}


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
    requests, replies, turn = (os.open(bridge / name, os.O_RDWR | os.O_NONBLOCK) for name in _PIPES)
    os.write(turn, b"\n")
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
        for each in (requests, replies, turn):
            os.close(each)
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
