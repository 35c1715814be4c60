"""Kill, pause, restart and cut off what Scenewatch needs, and compare the record with the truth."""

import argparse
import time
from collections.abc import Callable

from benchmarks._faults import outages, owners
from benchmarks._faults.farm import Network
from benchmarks._faults.site import Site
from benchmarks.figures import Figure, table
from benchmarks.processes import say
from benchmarks.stack import Stack

CALM_S = 3.0
Fault = Callable[[Site], list[Figure]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--small", action="store_true", help="3 servers, one round: < 6 minutes")
    parser.add_argument("--only", choices=FAULTS, help="this fault alone")


def run(options: argparse.Namespace) -> list[Figure]:
    """Run fault after fault; return the figures of all."""
    servers, rounds = (2, 1) if options.small else (5, 3)
    names = [options.only] if options.only else list(FAULTS)
    network = Network()
    figures: list[Figure] = []
    try:
        with Stack() as stack:
            site = Site(stack, network, servers)
            site.start()
            try:
                for number in range(rounds):
                    figures += _round(site, names, number, rounds)
            finally:
                site.stop()
    finally:
        network.close()
    return figures


def _round(site: Site, names: list[str], number: int, rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    for place, name in enumerate(names):
        left_s = sum(ABOUT_S[other] for other in names[place:])
        left_s += (rounds - number - 1) * sum(ABOUT_S[other] for other in names)
        title = name if rounds == 1 else f"{name} {number + 1}"
        say(f"\n=== {title}; about {left_s / 60:.1f} minutes left")
        figures += _one(site, name, title)
    return figures


def _one(site: Site, name: str, title: str) -> list[Figure]:
    """Let one fault happen, wait until all is settled, and compare."""
    began = time.monotonic()
    time.sleep(CALM_S)
    figures = FAULTS[name](site)
    tally, settled_s = site.settle(title)
    told = [Figure(f"{title}: {f.name}", f.value, f.unit, f.limit, f.better) for f in figures]
    told += [*tally.figures(title), Figure(f"{title}: settled after", settled_s, "s")]
    say(f"{table(told)}\n({title}: {time.monotonic() - began:.0f} s)")
    return told


FAULTS: dict[str, Fault] = {
    "kill-owner": owners.kill_owner,
    "pause-owner": owners.pause_owner,
    "pause-in-transaction": owners.pause_in_transaction,
    "wake-at-take-over": owners.wake_at_take_over,
    "kill-comfyui": outages.kill_comfyui,
    "restart-redis": outages.restart_redis,
    "restart-postgres": outages.restart_postgres,
    "cut-network": outages.cut_network,
}
# For the time that is left to go.
ABOUT_S = {
    "kill-owner": 35,
    "pause-owner": 40,
    "pause-in-transaction": 40,
    "wake-at-take-over": 30,
    "kill-comfyui": 25,
    "restart-redis": 20,
    "restart-postgres": 25,
    "cut-network": 80,
}
