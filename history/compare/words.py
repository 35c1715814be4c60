"""Pairs of runs in sentences: how one stands against the base, and why as far as is known. Pure.

A statement and the one with both runs swapped mirror each other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from history.baseline.ladder import ENOUGH
from history.baseline.verdict import DEFAULT
from history.compare.likeness import WORDS
from history.compare.pairs import Compared, Pair, Way, share_of
from history.compare.reading import Read
from history.judged.words import percent
from history.models import Scene
from history.strip import LABELS
from telemetry.text import duration, plural
from telemetry.words import Outcome

# More statements than this are counted in the heading.
SPELLED_OUT = 3
# More scenes, settings and reasons are counted.
NAMED = 3
# A wait that changed by less is not told: seconds, and a share of the longer one.
WAIT_S, WAIT_SHARE = 10, 0.1
SAYS_LITTLE = frozenset({"Scenes", "Story", "Servers"})
# What matters at least, as a share of the mean of both; and a little, for it is no binary fraction.
TENTH = share_of(DEFAULT.limit) + 1e-9
HEADS = {
    Way.SLOWER: "{other} is {change} slower than {base}",
    Way.FASTER: "{other} is {change} faster than {base}",
    Way.ALIKE: "{other} is not distinguishable from {base}",
    Way.UNSURE: "{other} took {change} {more} than {base}; nobody can tell yet if that is chance",
    Way.UNFAIR: "{other} cannot be compared fairly with {base}{because}",
}
COUNTED = {
    Way.SLOWER: "slower",
    Way.FASTER: "faster",
    Way.ALIKE: "not distinguishable",
    Way.UNSURE: "too little known to tell",
    Way.UNFAIR: "not comparable",
}
TONES = {Way.SLOWER: "bad", Way.FASTER: "ok"}


@dataclass(frozen=True, slots=True)
class Statement:
    """How one run stands against the base, and the sentences that say why."""

    letter: str
    color: str
    tone: str
    icon: str
    head: str
    why: str


def letter_of(place: int) -> str:
    """Return the letter of a run: A, B, C … Y."""
    return chr(ord("A") + place)


def color_of(place: int) -> str:
    """Return the class of a run's colour: six, over and over; the letter tells them apart."""
    return f"c{place % 6 + 1}"


ICONS = {Way.SLOWER: "t-up", Way.FASTER: "t-down", Way.ALIKE: "t-flat"}


def statements(
    read: Read, compared: Compared, differing: Sequence[Sequence[str]]
) -> list[Statement]:
    """Return a statement for each run but the base; `differing` are names of settings, by run."""
    told = []
    for place, pair in enumerate(compared.pairs):
        if pair is not None:
            way, head = pair.way, head_of(pair, letter_of(place), letter_of(read.base))
            why = " ".join(_why(read, place, pair, compared)) + _settings(differing[place])
            icon = ICONS.get(way, "s-info")
            color, tone = color_of(place), TONES.get(way, "")
            told.append(Statement(letter_of(place), color, tone, icon, head, why.strip()))
    return told


def head_of(pair: Pair, other: str, base: str) -> str:
    """Return the statement about a pair, without a full stop."""
    return HEADS[pair.way].format(
        other=other,
        base=base,
        change=percent(pair.change or 0),
        more="longer" if (pair.change or 0) > 0 else "less",
        because=_because(pair),
    )


def _because(pair: Pair) -> str:
    if not pair.shared:
        return ": they have no scene in common"
    words = [WORDS[reason][0] for reason, _ in pair.left_out.most_common(1)]
    return f": {plural(pair.left_out.most_common(1)[0][1], 'scene')} {words[0]}" if words else ""


def heading(pairs: Sequence[Pair | None], base: int) -> str:
    """Return what the page opens with: each run by itself, or how many went which way."""
    told = [(place, pair) for place, pair in enumerate(pairs) if pair is not None]
    if len(told) <= SPELLED_OUT:
        heads = [head_of(pair, letter_of(place), letter_of(base)) for place, pair in told]
        return "; ".join(heads)
    ways = Counter(pair.way for _, pair in told)
    counts = ", ".join(f"{ways[way]} {word}" for way, word in COUNTED.items() if ways[way])
    return f"Of {len(told)} runs beside {letter_of(base)}: {counts}"


# --- why ------------------------------------------------------------------------------------------


def _why(read: Read, place: int, pair: Pair, compared: Compared) -> list[str]:
    base, other = letter_of(read.base), letter_of(place)
    told = [*_evidence(pair), _left_out(pair), *_ends(read, place, base, other)]
    return [
        sentence
        for sentence in [*told, _standing_out(read, place, compared), _wait(read, place)]
        if sentence
    ]


def _evidence(pair: Pair) -> list[str]:
    """Return what the statement rests on."""
    if pair.seconds is None or pair.way is Way.UNFAIR:
        return []
    more = "more" if pair.seconds > 0 else "less"
    took = (
        f"The {plural(pair.fair, 'scene')} that are alike took"
        if pair.fair > 1
        else "Its scene took"
    )
    amount = duration(abs(pair.seconds))
    if pair.limit is None:
        few = f"{plural(pair.n, 'earlier run')} of {ENOUGH} needed"
        return [f"{took} {amount} {more}; how much such runs vary is not known ({few})."]
    noise = f"the {percent(pair.limit)} by which two such runs may differ by chance"
    if pair.limit <= TENTH:
        noise = "a tenth, and chance" if pair.way in TONES else "a tenth, which does not matter"
    beyond = "beyond" if pair.way in TONES else "within"
    return [f"{took} {amount} {more}: {beyond} {noise} (n = {pair.n} earlier runs)."]


def _left_out(pair: Pair) -> str:
    """Return which scenes were not compared; the heading has said so where it is all there is."""
    counts = pair.left_out.most_common(NAMED)
    if pair.way is Way.UNFAIR and len(counts) < 2 and not pair.fair:
        return ""
    told = [f"{count} {WORDS[reason][0]}" for reason, count in counts]
    few = f"Only {pair.fair} of {pair.shared} scenes" if pair.fair else "None of the scenes"
    verb = "is" if pair.fair < 2 else "are"
    only = f"{few} {verb} alike. " if pair.way is Way.UNFAIR else ""
    return f"{only}Not compared: {', '.join(told)}." if told else ""


def _ends(read: Read, place: int, base: str, other: str) -> list[str]:
    """Return which scenes came to another end in one than in the other."""
    pairs = [(row.scenes[read.base], row.scenes[place]) for row in read.rows]
    told = []
    for letter, mine, theirs in ((other, 1, 0), (base, 0, 1)):
        wrong = [
            pair[mine]
            for pair in pairs
            if _went_wrong(pair[mine]) and pair[theirs] and not _went_wrong(pair[theirs])
        ]
        if wrong:
            told.append(f"{_named([s for s in wrong if s], ended=True)} in {letter} only.")
    return told


def _went_wrong(scene: Scene | None) -> bool:
    return scene is not None and scene.outcome not in (None, Outcome.SUCCESS, Outcome.SKIPPED)


def _named(scenes: Sequence[Scene], ended: bool = False) -> str:
    shown = [
        f"{scene.external_id} {LABELS.get(scene.outcome or '', scene.outcome or '')}"
        if ended
        else scene.external_id
        for scene in scenes[:NAMED]
    ]
    more = [f"{len(scenes) - NAMED} more"] if len(scenes) > NAMED else []
    return ", ".join([*shown, *more])


def _standing_out(read: Read, place: int, compared: Compared) -> str:
    """Return the scenes that differ by more than such scenes vary, what differs most first."""
    found = []
    for row, cells in zip(read.rows, compared.cells, strict=True):
        cell = cells[place]
        if cell is not None and cell.stands_out and cell.change is not None:
            found.append((abs(cell.change), row.first.external_id, cell.change))
    words = [
        f"{name} ({percent(change)} {'more' if change > 0 else 'less'})"
        for _, name, change in sorted(found, reverse=True)[:NAMED]
    ]
    if not words:
        return ""
    more = f", and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"Beyond the noise by themselves: {', '.join(words)}{more}."


def waited_s(scenes: Sequence[Scene]) -> float | None:
    """Return how long scenes waited in queues together; None where nobody told of any."""
    waits = [scene.waited_s for scene in scenes if scene.waited_s is not None]
    return sum(waits) if waits else None


def _wait(read: Read, place: int) -> str:
    mine, theirs = waited_s(read.scenes[place]), waited_s(read.scenes[read.base])
    if mine is None or theirs is None:
        return ""
    change = mine - theirs
    if abs(change) < max(WAIT_S, WAIT_SHARE * max(mine, theirs)):
        return ""
    return f"Queue wait {'grew' if change > 0 else 'shrank'} by {duration(abs(change))}."


def _settings(names: Sequence[str]) -> str:
    """Return which settings differ, which may be why; what says least of it comes last."""
    differing = sorted(names, key=lambda name: name in SAYS_LITTLE)
    if not differing:
        return ""
    more = f" and {len(differing) - NAMED} more" if len(differing) > NAMED else ""
    return f" Settings differ: {', '.join(differing[:NAMED])}{more}."
