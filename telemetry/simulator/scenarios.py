"""Which load a scenario's name stands for."""

from .clock import Clock
from .liar import Liar
from .load import Load
from .mishaps import MISHAPS, Mishaps
from .steady import EVENTS_PER_S, Steady
from .workloads import SCENARIOS, orders

IDLE, LIAR, STEADY = "idle", "liar", "steady"
NAMES = (*SCENARIOS, IDLE, STEADY)


def load_of(
    name: str | None, seed: int, rate: float | None, events: float | None, clock: Clock
) -> Load | Steady | None:
    """Return what submits the prompts of a scenario, None if nobody does.

    `rate` is in prompts a minute, `events` in frames a second. ValueError for a name that does
    not exist and for a figure that is not above 0 or does not go with the scenario.
    """
    if events is not None and name != STEADY:
        raise ValueError(f"events go with the scenario {STEADY!r}, not with {name!r}")
    if rate is not None and rate <= 0:
        raise ValueError(f"rate must be above 0 prompts a minute, not {rate}")
    if rate is not None and name in (IDLE, STEADY):
        raise ValueError(f"a rate does not go with the scenario {name!r}")
    if name in (None, IDLE):
        return None
    if name == STEADY:
        return Steady(EVENTS_PER_S if events is None else events, seed, clock)
    if name not in SCENARIOS:
        raise ValueError(f"unknown scenario {name!r}; there are {', '.join(NAMES)}")
    chosen = SCENARIOS[name].at(rate)
    return Load(orders(chosen, seed), chosen, clock)


def befalling(name: str | None, seed: int, clock: Clock) -> Mishaps | Liar | None:
    """Return what happens to the server of a scenario besides its prompts, None if nothing does."""
    return Liar(seed, clock) if name == LIAR else MISHAPS.get(name or "")
