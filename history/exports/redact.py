"""Take out of what is shared what tells of a team's machines: folders, people, addresses. Pure.

What texts quote is not ours: notes, messages and arguments hold paths with user names in them, and
addresses of inner networks. A file keeps its name, so that a message still says which it was; what
has no ending is taken for a folder, and what lies where people's homes do for a person.
"""

import re
from ipaddress import ip_address
from typing import Any

PATH = "[path]"
ADDRESS = "[address]"
_END = r"[^\\/\s:*?\"'<>|,;()\[\]]+"
_FOLDER = r"(?:[^\\/\n:*?\"'<>|]+[\\/])"
# Folders of Windows, of its network, of Unix and of homes; the last part is the file. A word with
# one stroke before it, "/system_stats", is no path of Unix.
_PATHS = re.compile(
    rf"(?<![\w/\\])(?:(?:[A-Za-z]:[\\/]|\\\\){_FOLDER}*|~?/{_FOLDER}+)(?P<file>{_END})?"
)
_HOMES = re.compile(r"[\\/](?:Users|home)[\\/]$", re.IGNORECASE)
_ADDRESSES = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}\]?)(?![\w.])",
    re.IGNORECASE,
)


def redacted(value: Any) -> Any:
    """Return JSON types with every text of them redacted; the names of fields stay."""
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, dict):
        return {key: redacted(one) for key, one in value.items()}
    return [redacted(one) for one in value] if isinstance(value, list) else value


def redacted_text(text: str) -> str:
    """Return a text whose folders are [path] and whose inner addresses are [address]."""
    return _ADDRESSES.sub(_address, _PATHS.sub(_path, text))


def _path(found: re.Match[str]) -> str:
    name = found["file"] or ""
    is_file = "." in name.strip(".") and not _HOMES.search(found[0].removesuffix(name))
    if is_file:
        return f"{PATH}/{name}"
    # A sentence may end behind a folder.
    return PATH + name[len(name.rstrip(".")) :]


def _address(found: re.Match[str]) -> str:
    told = found[0]
    try:
        inner = not ip_address(told.strip("[]")).is_global
    except ValueError:
        return told
    return ADDRESS if inner else told
