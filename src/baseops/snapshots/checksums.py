"""The checksums of ext4's and XFS's journals, as their formats count them. Pure."""

from __future__ import annotations

import zlib

import google_crc32c

ONES = 0xFFFFFFFF
"""What an ext4 checksum starts from."""

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc32c(data: bytes, state: int = 0) -> int:
    """CRC-32C, finished; `state` is what an earlier call gave."""
    return int(google_crc32c.extend(state, data))


def crc32c_raw(seed: int, data: bytes) -> int:
    """CRC-32C as ext4 uses it: neither inverted before nor after."""
    return int(google_crc32c.extend(seed ^ ONES, data)) ^ ONES


def crc32_big_endian(state: int, data: bytes) -> int:
    """CRC-32 with the highest bit first, as the oldest journal checksum has it: zlib's on mirrored bits."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), _mirror(state) ^ ONES) ^ ONES
    return _mirror(mirrored)


def _mirror(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "little").translate(_MIRRORED), "big")
