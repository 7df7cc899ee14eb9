"""The layouts of file systems whose truth is asked of the kernel, chosen so that every pair of choices meets."""

from __future__ import annotations

from dataclasses import dataclass

MEBI = 1 << 20
EXCHANGES, PARENTS = 0x40, 0x80


@dataclass(frozen=True)
class Layout:
    """How a file system is made and mounted, and what its workload does more of than usual."""

    name: str
    kind: str
    make: tuple[str, ...] = ()
    options: str = ""
    habits: frozenset[str] = frozenset()
    size: int = 512 * MEBI
    features: int = 0
    """Incompatible features of XFS that Debian's mkfs does not know and that need nothing but their bit at first."""

    def __str__(self) -> str:
        return self.name


def _ext4(name: str, features: str, *more: str, options: str = "", habits: str = "") -> Layout:
    make = ("-F", *(("-O", features) if features else ()), *more)
    return Layout(f"ext4-{name}", "ext4", make, options, frozenset(habits.split()), 384 * MEBI)


def _xfs(
    name: str, *make: str, options: str = "", habits: str = "", size: int = 512 * MEBI, features: int = 0
) -> Layout:
    return Layout(f"xfs-{name}", "xfs", ("-f", *make), options, frozenset(habits.split()), size, features)


EXT4 = (
    _ext4("plain", "", "-b", "4096"),
    # Inline data in the ordered mode and a full journal lock up Linux 6.18: a commit waits for its own journal space.
    _ext4("1k-inline", "inline_data,metadata_csum,^64bit", "-b", "1024", "-J", "size=8", options="data=writeback"),
    _ext4(
        "old-checksum", "^metadata_csum,^64bit,^orphan_file", "-b", "4096", options="journal_checksum", habits="escapes"
    ),
    _ext4("ext3", "^extents,^64bit,^metadata_csum,^flex_bg,^huge_file,^orphan_file", "-b", "1024", "-J", "size=4"),
    _ext4(
        "all-journaled",
        "inline_data,orphan_file",
        "-b",
        "4096",
        "-J",
        "size=8",
        options="data=journal",
        habits="escapes",
    ),
    _ext4("bigalloc", "bigalloc,metadata_csum", "-b", "4096", "-C", "16384"),
    _ext4(
        "2k-async",
        "metadata_csum,orphan_file",
        "-b",
        "2048",
        options="journal_async_commit,data=writeback",
        habits="xattrs",
    ),
    _ext4("tight-journal", "metadata_csum,64bit", "-b", "4096", "-J", "size=4", habits="directories fragments"),
)

XFS = (
    _xfs("plain"),
    _xfs("nrext64-rmapbt", "-i", "nrext64=1", "-m", "rmapbt=1", habits="fragments"),
    _xfs("4k-sectors", "-s", "size=4096", habits="xattrs"),
    _xfs("small-log", "--unsupported", "-l", "size=6m", habits="directories", size=128 * MEBI),
    _xfs("1k-blocks", "-b", "size=1024", "-m", "bigtime=0,reflink=0", habits="fragments"),
    _xfs("big-inodes", "--unsupported", "-i", "size=1024", "-l", "size=16m,su=32k", "-m", "rmapbt=1", habits="xattrs"),
    _xfs("big-records", "-i", "nrext64=1", options="logbsize=256k", habits="directories fragments"),
    # What mkfs.xfs makes by itself since 6.15.
    _xfs(
        "parents-exchanges",
        "-i",
        "nrext64=1",
        "-m",
        "rmapbt=1",
        habits="directories xattrs",
        features=EXCHANGES | PARENTS,
    ),
    _xfs("no-sparse-inodes", "-i", "sparse=0", "-n", "size=16384", "-m", "bigtime=0", options="logbsize=32k"),
)

LAYOUTS = EXT4 + XFS
