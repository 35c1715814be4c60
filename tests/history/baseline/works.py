"""Plain builders of what baselines see."""

from datetime import UTC, datetime, timedelta

from history.baseline.fingerprint import Drivers, Fingerprint, Model
from history.baseline.work import Warmth, Work
from telemetry.words import Outcome

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
SDXL = (Model("checkpoint", "sdxl.safetensors"),)


def kind(workload="w", family="f", steps=20, models=SDXL, samplers=("euler",)):
    """Return a fingerprint: an image of a megapixel, twenty steps."""
    drivers = Drivers(steps=steps, width=1000, height=1000)
    return Fingerprint(workload, family, drivers, models, samplers)


def work(number, value=60.0, **changes):
    """Return the work that ended in hour `number`, warm, on one GPU model."""
    facts = {
        "fingerprint": kind(),
        "value": value,
        "ended_at": BEGAN + timedelta(hours=number),
        "outcome": Outcome.SUCCESS,
        "gpu": "RTX 4090",
        "warmth": Warmth.WARM,
        "position": 0,
    }
    return Work(number, **{**facts, **changes})
