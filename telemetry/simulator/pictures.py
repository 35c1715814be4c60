"""Pictures that stand in for what a graph would have made: small PNGs, one look per name."""

import struct
import zlib

WIDTH, HEIGHT = 160, 90


def picture(name: str) -> bytes:
    """Return a PNG: dusk above water, in colours that follow from the name."""
    shade = zlib.crc32(name.encode()) % 60
    rows = b"".join(b"\x00" + bytes(_colour(y, shade)) * WIDTH for y in range(HEIGHT))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _colour(y: int, shade: int) -> tuple[int, int, int]:
    if y < HEIGHT * 2 // 3:
        return 60 + 2 * y, 40 + shade + y // 2, 90 + shade
    return 30 + shade, 40 + shade // 2, 70 + y // 3


def _chunk(kind: bytes, data: bytes) -> bytes:
    told = kind + data
    return struct.pack(">I", len(data)) + told + struct.pack(">I", zlib.crc32(told))
