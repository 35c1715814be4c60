"""Texts of files, made fit to be kept: hostile until they are escaped on a page."""

import re

# What no page shows and PostgreSQL does not take: control characters but tab and newline, halves of
# surrogate pairs, and what turns the direction of the text around.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
LONGEST = 200
# Prompts and notes; a document's own are longer still.
LONGEST_PROSE = 20_000
# What PowerShell writes where it was told to go no deeper.
_TRUNCATED = re.compile(
    r"^(System\.(Object\[\]|Collections\.[\w.`\[\]]+|Management\.Automation\.PSCustomObject)"
    r"|@\{.*\}?)$",
    re.DOTALL,
)


def tidy(text: str, limit: int = LONGEST) -> str:
    """Return text without what cannot be kept, cut to limit, the last character "…" then."""
    cut = text[: limit + 1]
    if not cut.isprintable():
        cut = _UNWANTED.sub("\ufffd", cut.replace("\r\n", "\n").replace("\r", "\n"))
    return cut if len(cut) <= limit else cut[: limit - 1] + "…"


def is_truncated(text: str) -> bool:
    """Say whether a text stands for a value that its writer cut off."""
    return text[:1] in ("S", "@") and _TRUNCATED.match(text[:500]) is not None
