"""One trial: make a file system, keep it busy, copy it as it stands, and hold our view of it against the kernel's.

As a script: `python trial.py [SEEDS [LAYOUT…]]` prints a line for each layout and seed.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kernel_truth.layouts import LAYOUTS, Layout
from kernel_truth.loops import KEEP_JOURNAL, LIKE_A_POWER_CUT, copy_sparse, make, mounted, power_cut
from kernel_truth.views import Difference, by_kernel, by_overlay, by_product, compare
from kernel_truth.workload import Workload

from baseops.snapshots import ext4_journal, xfs_log
from baseops.snapshots.blocks import FileBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.overlay import Replay

CUTS = {1: KEEP_JOURNAL, 2: LIKE_A_POWER_CUT}
REPLAYS = {"ext4": ext4_journal.replay, "xfs": xfs_log.replay}


@dataclass(frozen=True)
class Outcome:
    """What a trial found."""

    replay: Replay
    blocks: int
    seconds: float
    truth: Difference
    """What a user sees of the image against what the kernel sees."""
    ours: Difference
    """libyal's view of our overlay against its view of the copy that the kernel replayed: the replay by itself."""
    libyal: Difference
    """libyal's view of that copy against the kernel's: what it gets wrong without us."""


def busy_image(folder: Path, layout: Layout, seed: int, changes: int) -> Path:
    """A copy of a file system in use: by seed simply copied, stopped with its journal flushed, cut off, or cut off
    in the middle of its work.
    """
    image, copy = folder / "live.img", folder / "copy.img"
    image.unlink(missing_ok=True)
    make(layout.kind, image, layout.size, layout.make, layout.features)
    with mounted(image, layout.kind, layout.options) as place:
        if seed % 4 == 3:
            cut_in_the_middle(place, layout, seed, changes)
        else:
            Workload(place, seed, layout.habits).run(changes)
        if seed % 4 in CUTS:
            power_cut(place, CUTS[seed % 4])
        copy_sparse(image, copy)
    image.unlink()
    return copy


def cut_in_the_middle(place: Path, layout: Layout, seed: int, changes: int) -> None:
    """Cut the file system off while another process changes it: after half of its changes and a little more."""
    command = [sys.executable, str(Path(__file__).with_name("workload.py")), str(place), str(seed), str(changes)]
    with subprocess.Popen([*command, *layout.habits], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        worker.stdout.readline()
        time.sleep(random.Random(seed).random() * 0.5)  # the cut falls anywhere in the work
        power_cut(place, KEEP_JOURNAL if seed % 8 == 3 else LIKE_A_POWER_CUT)
        worker.kill()
        worker.communicate()


def cut_while_cloning(folder: Path, layout: Layout, seed: int) -> Path:
    """A copy of an XFS that was cut off while four writers cloned files."""
    image, copy = folder / "live.img", folder / "copy.img"
    make(layout.kind, image, layout.size, layout.make, layout.features)
    script = Path(__file__).with_name("clones.py")
    with mounted(image, layout.kind, layout.options) as place, ExitStack() as writers:
        started = []
        for number in range(4):
            command = [sys.executable, script, place / str(number), str(seed * 10 + number)]
            writer = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            started.append(writers.enter_context(writer))
            writers.callback(writer.kill)
        for writer in started:
            writer.stdout.readline()
        time.sleep(random.Random(seed).random() * 0.4)
        power_cut(place, KEEP_JOURNAL if seed % 2 else LIKE_A_POWER_CUT)
        writers.close()
        copy_sparse(image, copy)
    image.unlink()
    return copy


def replayed(kind: str, image: Path) -> tuple[Replay, int, float]:
    """Our replay of an image, the blocks it read and the time it took."""
    with FileBlocks(image) as source:
        device = Device(source)
        began = time.perf_counter()
        replay = REPLAYS[kind](device)
        return replay, device.blocks_read, time.perf_counter() - began


def hold_against_kernel(kind: str, image: Path) -> Outcome:
    """Our view of an image against that of the kernel, which mounts (and so changes) a copy."""
    replay, blocks, seconds = replayed(kind, image)
    found, used = by_overlay(kind, image, replay), by_product(image)
    mine = image.with_suffix(".kernel")
    copy_sparse(image, mine)
    with mounted(mine, kind, "ro") as place:
        truth = by_kernel(place)
    control = by_overlay(kind, mine, None)
    mine.unlink()
    return Outcome(replay, blocks, seconds, compare(truth, used), compare(control, found), compare(truth, control))


def trial(folder: Path, layout: Layout, seed: int, changes: int) -> Outcome:
    return hold_against_kernel(layout.kind, busy_image(folder, layout, seed, changes))


def fast_folder() -> str | None:
    """Memory, where there is some: the images take a few hundred megabytes."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 2 << 30 else None


def main(seeds: int = 1, *names: str) -> None:
    changes = int(os.environ.get("CHANGES", "3000"))
    for layout in LAYOUTS:
        if names and not any(name in layout.name for name in names):
            continue
        for seed in range(seeds):
            began = time.perf_counter()
            with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
                try:
                    outcome = trial(Path(folder), layout, seed, changes)
                except Exception as error:
                    print(f"{layout.name:24} {seed:3} FAILED {type(error).__name__}: {error}", flush=True)
                    if os.environ.get("DEBUG"):
                        raise
                    continue
            replay, ours = outcome.replay, outcome.ours
            truth = outcome.truth
            print(
                f"{layout.name:24} {seed:3} {truth.identical}/{truth.paths} identical, "
                f"{len(ours.wrong)} wrong by replay, {len(outcome.libyal.wrong)} by libyal, "
                f"{replay.transactions} transactions, {replay.bytes_patched >> 10} KiB patched, "
                f"{outcome.blocks} blocks, {outcome.seconds:.2f} s "
                f"(all {time.perf_counter() - began:.1f} s) {replay.not_replayed}",
                flush=True,
            )
            for path, how in [*list(ours.wrong.items())[:5], *list(truth.wrong.items())[:5]]:
                print(f"      {path[-60:]}: {how}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, *sys.argv[2:])
