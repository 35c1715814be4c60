"""Texts of a megabyte that inflate to more than a gigabyte: spaces, and then `{}`."""

import struct
import zlib
from functools import cache

MIB = 1 << 20
INFLATED_MIB = 1_100
SPACES = b" " * MIB
END = b"{}"
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# What a flush ends with, and permessage-deflate leaves out.
FLUSHED = b"\x00\x00\xff\xff"


@cache
def gzip_bomb(mebibytes: int = INFLATED_MIB) -> bytes:
    """Return a valid gzip body; inflated it is valid JSON of so many MiB and two bytes.

    It takes a second or so, for the checksum of all that.
    """
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(SPACES, checksum)
    checksum = zlib.crc32(END, checksum)
    length = (mebibytes * MIB + len(END)) & 0xFFFFFFFF
    trailer = struct.pack("<II", checksum, length)
    return GZIP_HEAD + _spaces(mebibytes) + _deflated(END, zlib.Z_FINISH) + trailer


@cache
def message_bomb(mebibytes: int = INFLATED_MIB) -> bytes:
    """Return the payload of a permessage-deflate text message of as much."""
    return _spaces(mebibytes) + _deflated(END, zlib.Z_SYNC_FLUSH).removesuffix(FLUSHED)


def _spaces(mebibytes: int) -> bytes:
    """Repeat one deflated MiB: after a full flush a block refers to nothing before it."""
    return _deflated(SPACES, zlib.Z_FULL_FLUSH) * mebibytes


def _deflated(data: bytes, flush: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush(flush)
