"""A part of a file, as players of video ask for it (RFC 9110, section 14). Pure.

Safari plays no video of a server that hands out no parts, and nothing can be sought in without.
"""

import re
from dataclasses import dataclass

# One part is what players ask for; who asks for several, or in other units, gets the whole.
ASKED = re.compile(r"bytes=(\d*)-(\d*)")
# More digits than any file has bytes of would be an expensive number.
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from `first` to `last`, both included, of `size`."""

    first: int
    last: int
    size: int

    @property
    def told(self) -> str:
        """Return it as Content-Range says it."""
        return f"bytes {self.first}-{self.last}/{self.size}"


class Beyond(Exception):
    """What was asked for lies wholly beyond the end of the file."""


def part_of(asked: str, size: int) -> Part | None:
    """Return which part of `size` bytes a Range header asks for, None for the whole.

    Raises Beyond where no byte of it is there. What cannot be read asks for the whole, as the
    standard wants it.
    """
    found = ASKED.fullmatch(asked.strip())
    if found is None or any(len(digits) > MOST_DIGITS for digits in found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return _end(int(last), size) if last else None
    begin, end = int(first), int(last or size)
    if end < begin and last:
        return None
    if begin >= size:
        raise Beyond
    return Part(begin, min(end, size - 1), size)


def _end(length: int, size: int) -> Part:
    """Return the last `length` bytes."""
    if not length or not size:
        raise Beyond
    return Part(max(0, size - length), size - 1, size)
