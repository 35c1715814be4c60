"""Strings that a page, a database or a terminal must survive, put wherever text is told."""

import re
from binascii import crc32
from typing import Any

STRINGS = (
    "<script>document.title='pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "' onmouseover='document.title=1' x='",
    "</title></textarea></style></script><svg/onload=document.title='pwned'>",
    '<div id="wall" hx-swap-oob="true" hx-get="/admin/" hx-trigger="load">gone</div>',
    "javascript:alert(1)//",
    "{{ 7|add:7 }}{% debug %}${7*7}#{7*7}%s%n",
    "\u202egnp.exe\u202c \u2066isolated",
    "nul\x00byte",
    "half an emoji \ud83d",
    "\x1b[31m\x1b]0;owned\x07\x1b[2J\r",
    "first\r\n\r\nsecond\u2028third\u2029",
    "'; DROP TABLE history_attempt; --",
    '=HYPERLINK("http://127.0.0.1/","1")',
    "Z\u0351\u036b\u0343\u036a\u0302a\u0321\u034a\u0345l\u0320\u0353go" * 5,
    "\ufeff\u200b\u200d\u00ad\U000e0041",
    "&lt;b&gt;&amp;&#0;<!--",
    "../../../../etc/passwd",
    "∞" * 300,
    "",
)
# Without these an answer is about nobody, and what else it says is never looked at.
KEPT_KEYS = frozenset({"prompt_id", "status_str", "client_id", "state", "t"})
KEPT = re.compile(r"[0-9]{1,3}|execution_\w+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def poison(text: str) -> str:
    """Return a hostile string before the text, always the same one before the same text."""
    told = text.encode("utf-8", "surrogatepass")
    return STRINGS[crc32(told) % len(STRINGS)] + text


def poisoned(value: Any) -> Any:
    """Return a copy with all strings poisoned, but ids of prompts and nodes and names of events."""
    if isinstance(value, str):
        return value if KEPT.fullmatch(value) else poison(value)
    if isinstance(value, list | tuple):
        return [poisoned(entry) for entry in value]
    if isinstance(value, dict):
        return {key: entry if key in KEPT_KEYS else poisoned(entry) for key, entry in value.items()}
    return value
