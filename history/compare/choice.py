"""Which runs an address asks to be compared, and the addresses of the page's links. Pure.

What makes no sense is told and left out; the rest holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

FEWEST, MOST = 2, 25
# The largest key that the database knows.
LARGEST = 2**63 - 1
ONLY = "differences"
CHART = "Times of the scenes by run"


class Asked(Protocol):
    """The parameters of an address, as Django reads them."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """Runs in their order, which of them is the base, and whether only differences are shown.

    The base is one of the runs, None without any. `problems` are sentences.
    """

    ids: tuple[int, ...] = ()
    base: int | None = None
    only: bool = False
    problems: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """Return the parameters of the address that shows the same."""
        return query_of(self.ids, self.base, self.only)


def choice_of(asked: Asked) -> Choice:
    """Return what an address asks for: `runs=1,2`, and one by one `run=3` (ticked), `add=4`."""
    words = [
        word.strip().removeprefix("#")
        for key in ("runs", "run", "add")
        for told in asked.getlist(key)
        for word in told.split(",")
    ]
    ids, wrong = _numbers(word for word in words if word)
    problems = [f"“{word[:40]}” is no number of a run." for word in wrong]
    if len(ids) > MOST:
        left_out = ", ".join(f"#{pk}" for pk in ids[MOST : MOST + 10])
        problems.append(f"At most {MOST} runs stand side by side. Left out: {left_out}.")
    kept = tuple(ids[:MOST])
    base, _ = _numbers(asked.getlist("base"))
    return Choice(
        kept, _base(kept, base[-1:] or [0]), ONLY in asked.getlist("only"), tuple(problems)
    )


def _numbers(words: Iterable[str]) -> tuple[list[int], list[str]]:
    """Return numbers without repetitions, and what is none."""
    good: dict[int, None] = {}
    wrong = []
    for word in words:
        if word.isascii() and word.isdecimal() and len(word) < 20 and 0 < int(word) <= LARGEST:
            good[int(word)] = None
        else:
            wrong.append(word)
    return list(good), wrong


def _base(ids: tuple[int, ...], wanted: list[int]) -> int | None:
    return wanted[0] if wanted[0] in ids else ids[0] if ids else None


def limited(choice: Choice, found: Iterable[int]) -> Choice:
    """Return the choice without the runs that were not found, and told so.

    The words are the same for a run of another team and for one that never was.
    """
    known = set(found)
    ids = tuple(pk for pk in choice.ids if pk in known)
    missing = [f"There is no run #{pk} in this team." for pk in choice.ids if pk not in known]
    base = _base(ids, [choice.base or 0])
    return Choice(ids, base, choice.only, (*choice.problems, *missing))


def query_of(ids: Iterable[int], base: int | None = None, only: bool = False) -> str:
    """Return the parameters of an address; the first run is the base unless another is named."""
    runs = list(ids)
    told = {"runs": ",".join(str(pk) for pk in runs)} if runs else {}
    told |= {"base": str(base)} if base in runs[1:] else {}
    told |= {"only": ONLY} if only else {}
    return urlencode(told, safe=",")
