"""What the simulator's own artists submit: scenarios, stories and graphs, as tables.

Everything is drawn from one seeded generator, so the same seed gives the same prompts, ids
included, in the same order.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from .errors import Failure, out_of_memory, shapes_differ
from .graphs import TEMPLATES
from .nodes import Graph, Json


@dataclass(frozen=True)
class Plan:
    """What is going to happen to one prompt, which its graph does not show.

    `pace` multiplies the node times. `failure` strikes in the first sampler. `interrupt_after`
    counts sampler steps; `remove` means that the artist thinks better of it while it waits.
    """

    pace: float = 1.0
    failure: Failure | None = None
    interrupt_after: int | None = None
    remove: bool = False

    @property
    def succeeds(self) -> bool:
        return self == Plan(pace=self.pace)


@dataclass(frozen=True)
class Scenario:
    """How often prompts come, how they go, and how many may wait before the artists do.

    `rate` is in prompts per minute, `outcomes` are weights by name in OUTCOMES. `template` is a
    graph of TEMPLATES for everybody, instead of each artist's own. `ahead` prompts are there from
    the start, and then node times follow the rate, so that about as many go on waiting. `silent`
    sockets say nothing after their first status.
    """

    rate: float
    backlog: int
    pace: tuple[float, float]
    outcomes: Mapping[str, int]
    template: str = ""
    ahead: int = 0
    silent: bool = False

    def at(self, rate: float | None) -> "Scenario":
        """Return the scenario with another rate; None keeps its own."""
        if not self.ahead:
            return replace(self, rate=rate or self.rate)
        rate = rate or self.rate
        shortest, longest = (pace * 60.0 / rate for pace in self.pace)
        return replace(self, rate=rate, pace=(shortest, longest))


@dataclass(frozen=True)
class Order:
    """One prompt that an artist submits."""

    prompt_id: str
    client_id: str
    graph: Graph
    extra_data: Json
    plan: Plan


SCENARIOS: Mapping[str, Scenario] = {
    "healthy": Scenario(2.5, backlog=6, pace=(0.7, 1.3), outcomes={"success": 1}),
    "failing": Scenario(
        4.0,
        backlog=8,
        pace=(0.5, 1.1),
        outcomes={
            "success": 50,
            "out_of_memory": 15,
            "value_error": 12,
            "interrupt": 11,
            "remove": 12,
        },
    ),
    "slow": Scenario(2.0, backlog=14, pace=(5.0, 8.0), outcomes={"success": 24, "interrupt": 1}),
    "mixed": Scenario(
        4.0,
        backlog=10,
        pace=(0.7, 1.3),
        outcomes={
            "success": 40,
            "short": 20,
            "slow": 8,
            "out_of_memory": 8,
            "value_error": 8,
            "interrupt": 8,
            "remove": 8,
        },
    ),
    # A little less than the rate leaves: the rest is what a prompt costs the simulator itself.
    "storm": Scenario(
        1200.0, backlog=220, pace=(0.5, 1.46), outcomes={"success": 1}, template="tiny", ahead=200
    ),
    "flapping": Scenario(2.5, backlog=6, pace=(0.7, 1.3), outcomes={"success": 9, "short": 1}),
    "silent": Scenario(
        4.0, backlog=6, pace=(0.5, 1.1), outcomes={"success": 8, "value_error": 2}, silent=True
    ),
    "liar": Scenario(
        4.0,
        backlog=8,
        pace=(0.3, 0.8),
        outcomes={"success": 5, "short": 3, "out_of_memory": 1, "value_error": 1, "interrupt": 1},
    ),
    "forgetful": Scenario(
        5.0, backlog=8, pace=(0.5, 1.1), outcomes={"success": 7, "short": 2, "value_error": 1}
    ),
}

OUTCOMES: Mapping[str, Callable[[Random, float], Plan]] = {
    "success": lambda rng, pace: Plan(pace),
    "short": lambda rng, pace: Plan(pace * 0.1),
    "slow": lambda rng, pace: Plan(pace * 5.0),
    "out_of_memory": lambda rng, pace: Plan(pace, out_of_memory(rng.randint(0, 3))),
    "value_error": lambda rng, pace: Plan(pace, shapes_differ()),
    "interrupt": lambda rng, pace: Plan(pace, interrupt_after=rng.randint(2, 15)),
    "remove": lambda rng, pace: Plan(pace, remove=True),
}


@dataclass
class Artist:
    """Somebody who works through the scenes of a story, one run after the other."""

    user: str
    client_id: str
    story_id: str
    template: str
    scenes: tuple[str, ...]
    runs: int = 0
    left: list[tuple[int, int]] = field(default_factory=list)

    def next_scene(self, tag: str) -> Json:
        """Return the extra_data of the next attempt; a finished story starts again as a new run."""
        if not self.left:
            self.runs += 1
            self.left = [(number, 1) for number in range(1, len(self.scenes) + 1)]
        number, attempt = self.left.pop(0)
        return {
            "run_id": f"run-{tag}-{self.user}-{self.runs:03d}",
            "scene_id": f"scene-{number:03d}",
            "story_id": self.story_id,
            "user": self.user,
            "attempt": attempt,
        }

    def try_again(self, scene: Json) -> None:
        """Put a scene that is going to fail back in front, once."""
        if scene["attempt"] == 1:
            self.left.insert(0, (int(scene["scene_id"][-3:]), 2))


HARBOR = (
    "fishing boats at dusk, lanterns",
    "an old crane against orange clouds",
    "gulls over the pier",
    "a keeper climbs the lighthouse",
    "rain on the quay, reflections",
    "the last ferry leaves",
)
ORCHARD = (
    "glass trees in morning fog",
    "a child with a brass lamp",
    "roots of light below the hill",
    "the gardener's workshop",
)
FERRY = (
    "a night ferry, cabin window",
    "engine room, red light",
    "the captain's map table",
    "dawn over the strait",
    "arrival, wet planks",
)


def artists() -> list[Artist]:
    return [
        Artist("mira", "mira-3f2a", "Harbor at Dusk", "sdxl", HARBOR),
        Artist("jonas", "jonas-b81c", "The Glass Orchard", "flux", ORCHARD),
        Artist("aiko", "aiko-77d0", "Night Ferry", "upscale", FERRY),
    ]


def orders(scenario: Scenario, seed: int) -> Iterator[Order]:
    """Yield prompts without end, artist by artist as chance has it."""
    rng = Random(seed)
    tag = f"{rng.getrandbits(16):04x}"
    people = artists()
    while True:
        yield _order(rng, rng.choice(people), scenario, tag)


def _order(rng: Random, artist: Artist, scenario: Scenario, tag: str) -> Order:
    extra_data = artist.next_scene(tag)
    plan = _plan(rng, scenario)
    if plan.failure or plan.interrupt_after:
        artist.try_again(extra_data)
    text = artist.scenes[int(extra_data["scene_id"][-3:]) - 1]
    template = TEMPLATES[scenario.template or artist.template]
    graph = template(rng, text, f"{artist.user}/{extra_data['scene_id']}")
    prompt_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return Order(prompt_id, artist.client_id, graph, extra_data, plan)


def _plan(rng: Random, scenario: Scenario) -> Plan:
    names = list(scenario.outcomes)
    name = rng.choices(names, weights=[scenario.outcomes[n] for n in names])[0]
    return OUTCOMES[name](rng, rng.uniform(*scenario.pace))
