"""Extended attributes of ext inodes: those beside the inode, those in a block, those in inodes of their own.

https://docs.kernel.org/filesystems/ext4/attributes.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import TypeAlias

from baseops.errors import DamagedError
from baseops.snapshots.tree import posix_acl

Entry: TypeAlias = tuple[int, bytes, bytes, int]
"""Name index, name, value, and the inode that holds the value (0: the value is here)."""

MAGIC = b"\x00\x00\x02\xea"
PREFIXES = {
    1: "user.",
    2: "system.posix_acl_access",
    3: "system.posix_acl_default",
    4: "trusted.",
    6: "security.",
    7: "system.",
    8: "system.richacl",
}
_ENTRY = struct.Struct("<BBHIII")


def entries_of_inode(raw: bytes, what: str) -> Iterator[Entry]:
    """The attributes between the inode's fields and its end."""
    if len(raw) <= 132:
        return
    start = 128 + struct.unpack_from("<H", raw, 128)[0]
    if raw[start : start + 4] == MAGIC:
        yield from _entries(raw[start + 4 :], 0, what)


def entries_of_block(block: bytes, what: str) -> Iterator[Entry]:
    """The attributes of a whole block; their values are placed from the block's start."""
    if block[:4] != MAGIC:
        raise DamagedError(f"the attribute block of {what} is damaged", "its signature is missing")
    yield from _entries(block, 32, what)


def decoded(entry: Entry, read_inode: Callable[[int], bytes]) -> tuple[str, bytes]:
    """Name and value as Linux shows them; an empty name for what is none (inline data)."""
    index, name, value, inode = entry
    if index not in PREFIXES or (index, name) == (7, b"data"):
        return "", b""
    value = read_inode(inode) if inode else value
    text = PREFIXES[index] + name.decode("utf-8", "surrogateescape")
    return text, _acl(value) if index in (2, 3) else value


def _entries(area: bytes, at: int, what: str) -> Iterator[Entry]:
    while at + 16 <= len(area) and area[at : at + 4] != bytes(4):
        name_length, index, offset, inode, size, _ = _ENTRY.unpack_from(area, at)
        end = at + 16 + name_length
        if end > len(area) or (not inode and offset + size > len(area)):
            raise DamagedError(f"an attribute of {what} is damaged", f"{size} bytes at {offset} of {len(area)}")
        yield index, area[at + 16 : end], b"" if inode else area[offset : offset + size], inode
        at = (end + 3) // 4 * 4


def _acl(value: bytes) -> bytes:
    """The short form on disk in the form that Linux gives: an id only where a user or group is named."""
    entries, at = [], 4
    while at + 4 <= len(value):
        tag, permissions = struct.unpack_from("<HH", value, at)
        named = tag in (0x02, 0x08) and at + 8 <= len(value)
        entries.append((tag, permissions, struct.unpack_from("<I", value, at + 4)[0] if named else 0xFFFFFFFF))
        at += 8 if named else 4
    return posix_acl(entries)
