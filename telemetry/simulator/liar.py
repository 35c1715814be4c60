"""A hostile server: it runs prompts as any other, and says what is not so."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING

from aiohttp import web

from .clock import Clock
from .distortions import DISTORTIONS
from .lies import LIES, Sight, rounds
from .poison import poisoned

if TYPE_CHECKING:
    from .server import Simulator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]
PAUSE_S = (0.1, 0.9)
# One answer in so many is not only poisoned but broken.
BROKEN_ONE_IN = 4
JUMP_ONE_IN = 20
YEAR_S = 365.25 * 86400
# None beyond the years 1 to 9999: the server itself has to be able to name them.
OFFSETS_S = (0.0, 5 * YEAR_S, -3600.0, -40 * YEAR_S, 86400.0, 7000 * YEAR_S, -70 * YEAR_S, 0.0)
NOBODY = "00000000-0000-4000-8000-000000000000"


class Liar:
    """Tell lies between true frames, poison every answer, and turn the clock.

    Kinds and order of the lies come from the seed. Order among answers goes by who asks when.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        self.seed, self.clock = seed, clock
        self._answers = Random(seed)

    async def happen(self, simulator: Simulator) -> None:
        rng = Random(self.seed)
        for name in rounds(self.seed):
            await self.clock.sleep(rng.uniform(*PAUSE_S))
            if rng.randrange(JUMP_ONE_IN) == 0:
                self.clock.offset = rng.choice(OFFSETS_S)
            for payload in LIES[name](rng, self._sight(simulator)):
                simulator.server.sockets.send_raw(payload)

    def table(self, routes: list[Route]) -> Iterator[Route]:
        """Yield the routes with all GET answers but the websocket's made hostile."""
        for method, path, handler in routes:
            lies = method == "GET" and path != "/ws"
            yield method, path, self._lying(handler) if lies else handler

    def _lying(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            honest = await handler(request)
            assert isinstance(honest, web.Response)
            return self.answer(json.loads(honest.text or "null"), honest.status)

        return answer

    def answer(self, value: object, status: int = 200) -> web.Response:
        """Return an answer that says this, poisoned, and now and then broken as well."""
        rng, hurt = self._answers, poisoned(value)
        text = json.dumps(hurt)
        if rng.randrange(BROKEN_ONE_IN) == 0:
            text = rng.choice(list(DISTORTIONS.values()))(rng, hurt)
        return web.Response(
            body=text.encode("utf-8", "surrogateescape"),
            status=status,
            content_type="application/json",
            headers={"Date": formatdate(self.clock.time(), usegmt=True)},
        )

    def _sight(self, simulator: Simulator) -> Sight:
        queue = simulator.server.prompt_queue
        running = queue.running.prompt_id if queue.running else NOBODY
        ended = next(reversed(queue.history), NOBODY)
        return Sight(running, ended, self.clock.time_ms())
