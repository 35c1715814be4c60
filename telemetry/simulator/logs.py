"""ComfyUI's log as its subscribers get it: coloured lines and tqdm bars drawn over themselves."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from .clock import Clock
from .nodes import Json

CAPACITY = 300
SIZE = {"cols": 80, "rows": 24}
COLOURS = {
    "INFO": "\x1b[32m[INFO]\x1b[0m",
    "WARNING": "\x1b[33m[WARNING]\x1b[0m",
    "ERROR": "\x1b[1m\x1b[31m[ERROR]\x1b[0m",
}
GREEN = "\x1b[32m{}\x1b[0m"


class LogStream:
    """Keep the last lines, and hand what was written to `send` at each flush.

    `send` gets the entries and the terminal size, which is None unless it changed, as it does
    once, before anybody has asked for it.
    """

    def __init__(self, clock: Clock, send: Callable[[Json], None]) -> None:
        self.clock = clock
        self.send = send
        self.entries: deque[Json] = deque(maxlen=CAPACITY)
        self._since_flush: list[Json] = []
        self._size_known = False

    def write(self, message: str) -> None:
        entry = {"t": datetime.fromtimestamp(self.clock.time()).isoformat(), "m": message}
        self._since_flush.append(entry)
        if message.startswith("\r") and self.entries and not self.entries[-1]["m"].endswith("\n"):
            self.entries.pop()
        self.entries.append(entry)

    def flush(self) -> None:
        entries, self._since_flush = self._since_flush, []
        if entries:
            self.send({"entries": entries})

    def log(self, level: str, message: str) -> None:
        self.write(f"{COLOURS[level]} {message}\n")
        self.flush()

    def info(self, message: str) -> None:
        self.log("INFO", message)

    def error(self, message: str) -> None:
        self.log("ERROR", message)

    def changed_size(self) -> Json | None:
        """Return the terminal size to whoever asks first, None afterwards."""
        known, self._size_known = self._size_known, True
        return None if known else dict(SIZE)


class Tqdm:
    """Draw a tqdm bar into the log, at most every `min_interval` simulated seconds."""

    MIN_INTERVAL = 0.1

    def __init__(
        self, log: LogStream, total: int, clock: Clock, min_interval: float = MIN_INTERVAL
    ) -> None:
        self.log, self.total, self.clock, self.min_interval = log, total, clock, min_interval
        self.value = 0
        self.started_at = clock.time()
        self._draw()

    def update(self, value: int) -> None:
        self.value = value
        # A hair less than the interval: waits of exactly that length end a moment early or late.
        if self.clock.elapsed() - self._drawn_at >= self.min_interval * 0.99:
            self._draw()

    def close(self) -> None:
        """Redraw the bar a last time; the line end stays unflushed until something follows."""
        self.log.write("")
        self._draw()
        self.log.write("\n")

    def _draw(self) -> None:
        self._drawn_at = self.clock.elapsed()
        elapsed = self.clock.time() - self.started_at
        self.log.write("\r" + tqdm_text(self.value, self.total, elapsed))
        self.log.flush()


def tqdm_text(value: int, total: int, elapsed: float) -> str:
    """Return one redraw, such as ` 50%|█████     | 10/20 [00:01<00:01,  8.29it/s]`."""
    rate = value / elapsed if value and elapsed > 0 else 0.0
    left = _interval((total - value) / rate) if rate else "?"
    percent = f"{value / total * 100:3.0f}%"
    times = f"{_interval(elapsed)}<{left}, {_rate(rate)}"
    return f"{percent}|{_bar(value / total)}| {value}/{total} [{times}]"


def _bar(fraction: float, width: int = 10) -> str:
    whole, part = divmod(int(fraction * width * 8), 8)
    return ("█" * whole + " ▏▎▍▌▋▊▉"[part]).ljust(width)[:width]


def _rate(rate: float) -> str:
    if not rate:
        return "?it/s"
    return f"{rate:5.2f}it/s" if rate >= 1 else f"{1 / rate:5.2f}s/it"


def _interval(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
