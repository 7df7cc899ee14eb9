"""Every file of a busy file system, copied as it stands, reads through our overlay as the kernel replays it.

What is compared: type and mode, links, owner, size, time, extended attributes, link targets and the hash of what is in
it. The judge is the kernel: it mounts a copy. Our reader is held against that. libfsext and libfsxfs read both our
overlay and the copy that the kernel replayed: where these differ, the replay is wrong, whatever our reader says.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_truth.layouts import EXCHANGES, LAYOUTS, Layout
from kernel_truth.loops import LIKE_A_POWER_CUT, copy_sparse, make, mounted, power_cut, run, why_not, why_not_inline
from kernel_truth.trial import busy_image, cut_while_cloning, fast_folder, hold_against_kernel, replayed, trial
from kernel_truth.views import by_overlay, compare
from kernel_truth.workload import Workload

from baseops.snapshots.overlay import CLEAN
from baseops.snapshots.xfs_mappings import Exchange, Mapping, carry_out
from baseops.snapshots.xfs_sectors import Sectors
from baseops.snapshots.xfs_superblock import Superblock

pytest.importorskip("pyfsext", reason="the dependency group `judges` is not installed")

SHARING = [each for each in LAYOUTS if each.kind == "xfs" and not any("reflink=0" in word for word in each.make)]
BY_NAME = {layout.name: layout for layout in LAYOUTS}


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="truth-", dir=fast_folder()))
    yield place
    shutil.rmtree(place)


def hold(folder: Path, layout: Layout, seed: int, changes: int) -> None:
    inline = any("inline_data" in word for word in layout.make)
    if reason := why_not(layout.kind, layout.features) or (inline and why_not_inline()):
        pytest.skip(f"the kernel cannot be asked: {reason}")
    outcome = trial(folder, layout, seed, changes)

    assert outcome.truth.paths > 50
    assert outcome.replay.dirty
    assert outcome.replay.transactions > 0
    assert outcome.ours.wrong == {}
    assert outcome.truth.wrong == {}


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_busy_file_system_reads_as_the_kernel_replays_it(folder, layout, seed):
    hold(folder, layout, seed, changes=350)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_reads_as_the_kernel_replays_it(folder, layout, seed):
    hold(folder, layout, seed, changes=2500)


@pytest.fixture
def carried_out(monkeypatch) -> list[Mapping | Exchange]:
    """What was carried out of the changes of extents that the logs had announced."""
    seen: list[Mapping | Exchange] = []

    def watched(sectors: Sectors, superblock: Superblock, changes: Iterator[Mapping | Exchange]) -> None:
        listed = list(changes)
        seen.extend(listed)
        carry_out(sectors, superblock, listed)

    monkeypatch.setattr("baseops.snapshots.xfs_log.carry_out", watched)
    return seen


@pytest.mark.parametrize("kind", [Mapping, Exchange])
def test_a_change_that_was_under_way_reads_as_the_kernel_finishes_it(folder, carried_out, kind):
    """One cut in six falls between the transactions of a clone or of an exchange; cut until one did."""
    layouts = SHARING if kind is Mapping else [each for each in SHARING if each.features & EXCHANGES]
    if reason := why_not("xfs", layouts[0].features):
        pytest.skip(f"the kernel cannot be asked: {reason}")
    for seed in range(60):
        layout = layouts[seed % len(layouts)]
        if why_not("xfs", layout.features):
            continue
        outcome = hold_against_kernel("xfs", cut_while_cloning(folder, layout, seed))
        assert (outcome.ours.wrong, outcome.truth.wrong) == ({}, {}), f"{layout} seed {seed}"
        if any(isinstance(each, kind) for each in carried_out):
            return
    pytest.fail("no cut fell into one")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("layout", SHARING, ids=str)
def test_clones_of_every_layout_read_as_the_kernel_finishes_them(folder, layout, seed):
    if reason := why_not("xfs", layout.features):
        pytest.skip(f"the kernel cannot be asked: {reason}")
    outcome = hold_against_kernel("xfs", cut_while_cloning(folder, layout, 100 + seed))

    assert outcome.truth.paths > 20
    assert outcome.ours.wrong == {}
    assert outcome.truth.wrong == {}


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_what_was_unmounted_needs_no_replay(folder, kind):
    if reason := why_not(kind):
        pytest.skip(f"the kernel cannot be asked: {reason}")
    image = folder / "clean.img"
    make(kind, image, 320 << 20)
    with mounted(image, kind) as place:
        Workload(place, 1, frozenset()).run(200)

    replay, blocks, _ = replayed(kind, image)

    assert replay == CLEAN
    assert blocks <= {"ext4": 1, "xfs": 12}[kind]


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_without_the_replay_files_are_missing(folder, kind):
    """The trial can fail: the same comparison over the bare image finds what is missing."""
    if reason := why_not(kind):
        pytest.skip(f"the kernel cannot be asked: {reason}")
    image = busy_image(folder, BY_NAME[f"{kind}-plain"], 1, 700)

    replay, _, _ = replayed(kind, image)
    through, bare = by_overlay(kind, image, replay), by_overlay(kind, image, None)

    assert compare(through, bare).wrong != {}


def test_a_fast_commit_is_not_passed_over_in_silence(folder):
    if reason := why_not("ext4"):
        pytest.skip(f"the kernel cannot be asked: {reason}")
    layout = Layout("ext4-fast-commit", "ext4", ("-F", "-O", "fast_commit", "-b", "4096"), size=384 << 20)
    image = folder / "fast.img"
    make("ext4", image, layout.size, layout.make)
    with mounted(image, "ext4") as place:
        (place / "first").write_bytes(b"1")
        run("sync", "-f", place)
        file = place / "second"
        with file.open("wb") as handle:
            handle.write(b"2" * 5000)
            handle.flush()
            os.fsync(handle.fileno())
        power_cut(place, LIKE_A_POWER_CUT)
        copy = copy_sparse(image, folder / "copy.img")

    replay, _, _ = replayed("ext4", copy)

    assert any("fast commit" in note for note in replay.not_replayed)
