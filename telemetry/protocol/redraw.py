"""Frames that redraw a progress bar and do nothing else: by far the most that a server says.

Of several that come one after the other only the last tells anything, and it can be told from its
text that a frame is such a one: so most of them are never decoded.
"""

import re

# As ComfyUI writes them, up to the order of the keys; what is written in another way is decoded.
# One entry, one line that begins with a carriage return and holds no further line: no "\n", no "\r"
# and no second bar; before the bar nothing, or a label with its colon, as loglines.py reads steps.
# A quotation mark would end the text.
_CHARACTER = r'(?:[^"\\|]|\\u[0-9a-f]{4})'
_REDRAW = re.compile(
    r'\{"type": "logs", "data": \{"entries": \[\{"t": "[-0-9T:.]{0,40}", "m": "\\r'
    rf"(?:{_CHARACTER}{{0,200}}?: )? {{0,8}}\d{{1,3}}%\|{_CHARACTER}{{0,300}}\|"
    r' {0,8}\d{1,9}/\d{1,9} \[[^"\\|\]]{0,120}\] {0,80}'
    r'"\}\], "size": (?:null|\{"cols": \d{1,6}, "rows": \d{1,6}\})\}\}'
)
LARGEST = 2_000


def is_redraw(frame: str | bytes) -> bool:
    """Say whether a frame of /ws redraws one progress bar and says nothing else."""
    if isinstance(frame, bytes) or len(frame) > LARGEST:
        return False
    return _REDRAW.fullmatch(frame) is not None
