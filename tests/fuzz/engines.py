"""Who proposes inputs: atheris, guided by which code they reach, or a seeded generator."""

import atexit
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.batch import packed
from tests.fuzz.corpus import batches
from tests.fuzz.mutate import mutated

PROGRESS_S = 5.0
LARGEST_BATCH = 48 * 1024


@dataclass
class Session:
    """A run of at most `runs` messages or `seconds`; what it found goes below `folder`."""

    runs: int
    seconds: float
    seed: int
    folder: Path
    tally: Any
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0
    saved: int = 0

    def over(self) -> bool:
        """Say whether enough has been tried."""
        return self.tally.messages >= self.runs or self.took_s >= self.seconds

    @property
    def took_s(self) -> float:
        """Return for how long this goes on."""
        return time.monotonic() - self.began

    def tell(self, last: bool = False) -> None:
        """Print where this stands, every few seconds."""
        if not last and self.took_s - self.told < PROGRESS_S:
            return
        self.told = self.took_s
        done, rate = self.tally.messages, self.tally.messages / max(self.took_s, 1e-9)
        left_s = min((self.runs - done) / max(rate, 1e-9), self.seconds - self.took_s)
        share = 100 * self.tally.useful / max(done, 1)
        _say(
            f"{done:>11,} messages  {self.tally.batches:,} batches  {rate:,.0f}/s  "
            f"{share:.0f} % real events  {len(self.tally.slow)} slow  "
            f"{self.took_s:.0f} s" + ("" if last else f"  ETA {max(0.0, left_s):.0f} s")
        )

    def tried(self, data: bytes, take: Callable[[bytes, Any], None]) -> None:
        """Try one batch; end the process with the batch saved in hex where it raises."""
        try:
            take(data, self.tally)
        except BaseException as error:
            self._save("crash", data)
            traceback.print_exception(error)
            self.finish(1)
        for took_s, message in self.tally.slow[self.saved :]:
            self.saved += 1
            self._save(f"slow-{took_s * 1000:.0f}ms", packed([message]))
        self.tell()

    def _save(self, what: str, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{what}-{self.seed}-{self.tally.batches}.hex"
        path.write_text(data.hex() + "\n")
        _say(f"{what}: {len(data)} bytes saved; look again: python -m tests.fuzz replay {path}")

    def finish(self, code: int) -> None:
        """Print what came of it and end the process: atheris would never return."""
        self.tell(last=True)
        _say(json.dumps(dict(sorted(self.tally.events.items())), indent=1))
        _say(f"slowest message {1000 * self.tally.slowest_s:.1f} ms; seed {self.seed}; exit {code}")
        atexit._run_exitfuncs()  # temporary folders; os._exit leaves them
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def generated(session: Session, take: Callable[[bytes, Any], None]) -> None:
    """Propose changed captures, from a seed: the same ones each time."""
    rng, corpus = Random(session.seed), batches()
    for data in corpus:
        session.tried(data, take)
    while not session.over():
        data = rng.choice(corpus)
        for _ in range(rng.choice((1, 1, 2, 3))):
            data = mutated(data, rng, lambda: rng.choice(corpus))
        session.tried(data[:LARGEST_BATCH], take)
    session.finish(0)


def guided(session: Session, take: Callable[[bytes, Any], None]) -> None:
    """Propose what reaches new code, by atheris; `telemetry` must have been instrumented."""
    import atheris

    seeds = batches()

    def once(data: bytes) -> None:
        if session.over():
            session.finish(0)
        session.tried(data, take)

    def propose(data: bytes, max_size: int, seed: int) -> bytes:
        rng = Random(seed)
        if rng.random() < 0.1:
            return bytes(atheris.Mutate(data, max_size))
        return mutated(data, rng, lambda: rng.choice(seeds))[:max_size]

    folder = tempfile.mkdtemp(prefix="scenewatch-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for number, seed in enumerate(seeds):
        Path(folder, f"{number:04}").write_bytes(seed)
    options = [f"-seed={session.seed}", f"-max_len={LARGEST_BATCH}", "-timeout=60"]
    options += ["-print_final_stats=0", "-verbosity=0", "-rss_limit_mb=3000", "-len_control=0"]
    atheris.Setup(["fuzz", *options, folder], once, custom_mutator=propose)
    atheris.Fuzz()
