"""Cards as the collector would make them, and the wall rendered with them, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.template.loader import get_template
from django.utils.safestring import mark_safe

from telemetry.activity import Happening
from telemetry.board import rendered as board_of
from telemetry.cards import (
    Card,
)
from telemetry.condition import BADGES, Notice
from telemetry.device_rows import DeviceRow, Sensors
from telemetry.hot import Hot
from telemetry.leases import Leased
from telemetry.live import attributes, feed_line, rendered
from telemetry.overview import TILES, Bar, Cell, Overview, RunRow, Tile, Trend
from telemetry.prompt_rows import EndedRow, EtaText, NextRow, RunningRow
from telemetry.words import Tone

NOW = datetime(2025, 11, 20, 14, 32, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    """Return the time that was `seconds` before the samples' now."""
    return NOW - timedelta(seconds=seconds)


def device(index: int = 0, percent: float | None = 89.2, **fields: Any) -> DeviceRow:
    """Return a device with 24 GiB, of which `percent` is used."""
    used = "–" if percent is None else f"{24 * percent / 100:.1f}"
    usual = DeviceRow(index, "RTX 4090", used, "24.0", percent, (percent or 0) >= 95, "polled")
    return replace(usual, **fields)


SENSORS = Sensors("97%", "74\u00a0°C", "431\u00a0W")


def measured(index: int = 0, percent: float | None = 89.2, **fields: Any) -> DeviceRow:
    """Return a device of this host, as its driver tells it."""
    return device(index, percent, **{"grade": "measured", "sensors": SENSORS, **fields})


def eta(minutes: float, spread_s: float = 120) -> EtaText:
    """Return an expected end in so many minutes."""
    at, spread = NOW + timedelta(minutes=minutes), timedelta(seconds=spread_s)
    return EtaText(at, at - spread, at + spread, "n = 24")


FIRST = EtaText(None, None, None, "first of its kind")


def running(**fields: Any) -> RunningRow:
    """Return scene 9 of a story, at its sampler."""
    usual = RunningRow(
        key="9f6b2c41-0",
        prompt_id="9f6b2c41-5d5e-4a41-9d5f-1b3f0f0e8d11",
        title="Scene 9",
        of="Harbor at Dusk",
        submitter="mira",
        node="KSampler · node 9/14",
        node_note="",
        step=Hot("server-1-step", "text", "step 14/20"),
        pace=Hot("server-1-pace", "text", "1.82 it/s, from the log"),
        bar=Hot("server-1-bar", "width", "70.0%"),
        started_at=ago(108),
        waited="12s",
        eta=eta(7),
        progressing=True,
    )
    return replace(usual, **fields)


def waiting(n: int, **fields: Any) -> NextRow:
    """Return scene `n`, which waits."""
    usual = NextRow(f"wait-{n}", f"Scene {n}", "Harbor at Dusk", "mira", ago(134), eta(6 + n))
    return replace(usual, **fields)


def ended(status: str = "completed", label: str = "Completed", **fields: Any) -> EndedRow:
    """Return scene 8, which ended two minutes ago."""
    usual = EndedRow(
        "end-8", "Scene 8", "Harbor at Dusk", status, label, "", ago(120), "1m\u00a052s", False
    )
    return replace(usual, **fields)


def card(pk: int = 1, state: str = "idle", **fields: Any) -> Card:
    """Return the card of a server with one GPU, in one of the states of BADGES."""
    usual = Card(
        server_id=pk,
        name=f"kino-{pk:02}",
        simulated=False,
        badge=BADGES[state],
        version="ComfyUI 0.3.68",
        queue="queue empty",
        devices=[device()],
        notice=None,
        running=[],
        next=[],
        more="",
        ended=[],
        last_known=state in ("slow", "reconnecting", "offline"),
        unrecorded=False,
        heard_at=ago(1),
    )
    return replace(usual, **fields)


def executing(pk: int = 1, **fields: Any) -> Card:
    """Return the card of a server at work, with a queue."""
    usual = card(
        pk,
        "executing",
        queue="3 queued",
        running=[running()],
        next=[waiting(12), waiting(7, of="Paper Comet", eta=FIRST)],
        more="1 more prompt",
        ended=[ended()],
    )
    return replace(usual, **fields)


def samples() -> list[Card]:
    """Return one card per condition that the wall knows."""
    why = "Connection refused by 10.20.4.14:8188. Its prompts may still be at work."
    return [
        executing(1),
        executing(
            2,
            devices=[device(percent=97.5)],
            running=[running(step="", pace="", bar="", node="–", eta=FIRST)],
            ended=[
                ended("failed", "Failed", why="KSampler 3: OutOfMemoryError: Allocation failed")
            ],
        ),
        card(
            3,
            "reconnecting",
            notice=Notice(
                "warn", "s-reconnecting", "Attempt 3 of 5", why, None, NOW + timedelta(seconds=4)
            ),
            running=[running(progressing=False)],
        ),
        card(
            4,
            "offline",
            queue="–",
            devices=[],
            notice=Notice(
                "bad", "s-offline", "Offline", why, ago(2460), NOW + timedelta(seconds=48)
            ),
            ended=[ended("lost", "Lost", duration="–", why="gone from queue and history")],
        ),
        executing(
            5,
            name="atlas-h200",
            devices=[measured(0, 63.3, name="H200"), measured(1, 50.7, name="H200")],
            running=[running(node="sampling", node_note="estimated")],
            unrecorded=True,
        ),
        card(
            6,
            "idle",
            devices=[measured(), device(1, lost=True)],
            ended=[ended("cancelled", "Cancelled", why="interrupted at KSampler 3")],
        ),
        card(
            7,
            "slow",
            notice=Notice("warn", "s-stale", "Not answering", "Last known values.", ago(9)),
        ),
        card(
            8,
            "polling",
            notice=Notice(
                "warn",
                "s-polling",
                "Failed to connect after 5 attempts",
                "Connection reset. Polled meanwhile: no steps.",
                None,
                NOW + timedelta(seconds=22),
            ),
        ),
        card(9, "queued", simulated=True, queue="1 queued", next=[waiting(3)]),
        card(10, "connecting", queue="–", devices=[device(percent=None, total="–")]),
    ]


def happenings() -> list[Happening]:
    """Return lines of the feed, newest first."""
    return [
        Happening("started", Tone.RUN, "s-executing", "Scene 9 of Harbor at Dusk started", ago(22)),
        Happening(
            "dropped",
            Tone.WARN,
            "s-reconnecting",
            "Dropped the connection",
            ago(38),
            "WebSocket closed with 1006",
        ),
        Happening(
            "ended",
            Tone.OK,
            "s-completed",
            "Scene 8 of Harbor at Dusk completed in 1m\u00a052s",
            ago(120),
        ),
        Happening("lost", Tone.WARN, "s-lost", "Scene 2 of Salt Road lost", ago(400)),
        Happening("ended", Tone.BAD, "s-failed", "Scene 7 failed", ago(90_000), "OutOfMemoryError"),
    ]


def leased(pk: int = 1, name: str = "kino-01") -> Leased:
    """Return a server as its collector has it."""
    values = {"server_id": pk, "name": name}
    return SimpleNamespace(**values)  # type: ignore[return-value]


def part(name: str, shown: Card) -> str:
    """Return one part of a card, as the collector renders it."""
    return mark_safe(rendered(shown)[f"server-{shown.server_id}-{name}"])


def shell(shown: Card, parts: dict[str, str] | None = None) -> str:
    """Return the shell of a card, as the collector renders it."""
    server = {"pk": shown.server_id, "name": shown.name, "simulated": shown.simulated}
    context = {"server": server, "attrs": attributes(shown), "parts": parts or {}}
    return get_template("telemetry/live.html#shell").render(context).strip()


def wall(cards: list[Card], template: str = "telemetry/live.html", **context: Any) -> str:
    """Return the whole page with these cards, as the view renders it."""
    user = SimpleNamespace(
        is_authenticated=True, is_superuser=True, pk=1, get_username=lambda: "mira.okafor"
    )
    team = SimpleNamespace(pk=1, name="Northlight", slug="northlight")
    usual = {
        "user": user,
        "team": team,
        "teams": [team, SimpleNamespace(pk=2, name="Aurora", slug="aurora")],
        "site_version": "0.1.0",
        "request": SimpleNamespace(
            path="/teams/northlight/live/", resolver_match=SimpleNamespace(url_name="live")
        ),
        "walls": [_place(shown) for shown in cards],
        "chips": [mark_safe(rendered(shown)[f"server-{shown.server_id}-chip"]) for shown in cards],
        "feed": [mark_safe(feed_line(line, leased()).html) for line in happenings()],
        **board(overview()),
        "client_ids": ["mira-laptop"],
        "mine": '["mira", "mira-laptop"]',
        "simulated": any(shown.simulated for shown in cards),
    }
    return get_template(template).render(
        {"live_base": "/live/", "topic": "team-1", **usual, **context}
    )


def tile(key: str = "runs", **fields: Any) -> Tile:
    """Return a tile with a number above the usual."""
    trend = Trend("t-up", "1", "more than usual", "usual at this hour: 3, the median of 9 days")
    return replace(Tile(key, TILES[key], "4", trend=trend), **fields)


def run_row(pk: int = 7, **fields: Any) -> RunRow:
    """Return a run of twelve scenes with one failed and two at work."""
    statuses = ["completed"] * 6 + ["failed", "completed"] + ["executing"] * 2 + ["queued"] * 2
    letters = {"failed": "F", "executing": "R"}
    usual = RunRow(
        pk=pk,
        name="Harbor at Dusk",
        of="run-1842",
        submitter="mira",
        status="executing",
        label="Executing",
        cells=tuple(Cell(status, letters.get(status, "")) for status in statuses),
        strip="12 scenes: 7 completed, 1 failed, 2 executing, 2 queued",
        done="7 of 12, 1 failed",
        where="on atlas-h200, kino-01",
        eta=eta(7),
    )
    return replace(usual, **fields)


def overview(**fields: Any) -> Overview:
    """Return an overview with every kind of tile and of run."""
    none = Trend("", "", "no usual yet", "no usual yet: 2 of the 4 days needed are on record")
    bars = tuple(Bar(f"{8 * n}%", f"{90 - 7 * n}%", "5.8%", f"{10 + 7 * n}%") for n in range(12))
    tiles = (
        tile(),
        tile("scenes", value="148", bars=bars),
        tile("rate", value="94.6%", trend=replace(tile().trend or none, icon="t-down", tone="bad")),
        tile("queue", value="14", unit="waiting", trend=none),
        tile(
            "servers", value="5", unit="of 9", trend=replace(none, icon="t-flat", words="as usual")
        ),
        tile("clears", value="–", trend=None, clock=replace(eta(52), note="± 6m\u00a000s")),
    )
    gone = {"eta": FIRST, "status": "partial", "label": "Partial", "ended_at": ago(20)}
    runs = (
        run_row(7),
        run_row(8, name="Prompt 9f6b2c41", of="", eta=FIRST, submitter=""),
        run_row(9, name="Salt Road", **gone),
    )
    return replace(Overview(NOW, tiles, runs, "and 3 more runs"), **fields)


def board(told: Overview) -> dict[str, Any]:
    """Return an overview as the page's context has it."""
    shown = [(f.into, mark_safe(f.html)) for f in board_of(told)]
    return {
        "tiles": [html for into, html in shown if into == "summary"],
        "runs": [html for into, html in shown if into == "active-list"],
        "more_runs": next(html for into, html in shown if into == "active-runs"),
    }


def _place(shown: Card) -> SimpleNamespace:
    base = f"server-{shown.server_id}-"
    parts = {
        element.removeprefix(base): mark_safe(html)
        for element, html in rendered(shown).items()
        if not element.endswith("-chip")
    }
    server = SimpleNamespace(pk=shown.server_id, name=shown.name, simulated=shown.simulated)
    return SimpleNamespace(server=server, attrs=attributes(shown), parts=parts)
