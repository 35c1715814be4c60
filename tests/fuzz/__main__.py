"""python -m tests.fuzz decoder|replay|large: see docs/fuzzing.md."""

import argparse
import os
import secrets
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

# The settings of the suite, so that nothing of the developer's own site is touched.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def main() -> int:
    """Run the command; return the process's exit status."""
    options = _options()
    if options.command == "replay":
        return _replay(Path(options.file))
    if options.command == "large":
        _load(instrument=False)
        from tests.fuzz.large import table

        return table(options.megabytes)
    _decoder(options)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    commands = parser.add_subparsers(dest="command", required=True)
    decoder = commands.add_parser("decoder", help="feed decoder, state machine and card")
    decoder.add_argument("--runs", type=int, default=1_000_000, help="messages to try")
    decoder.add_argument("--seconds", type=float, default=float("inf"), help="at most this long")
    decoder.add_argument("--seed", type=int, default=None, help="drawn and printed if left out")
    decoder.add_argument("--engine", choices=("atheris", "generator"), default="atheris")
    decoder.add_argument("--folder", type=Path, default=Path("var/fuzz"), help="for what is found")
    replay = commands.add_parser("replay", help="take one saved batch in again")
    replay.add_argument("file")
    large = commands.add_parser("large", help="time the shapes that cost most, grown")
    large.add_argument("--megabytes", type=float, default=64)
    return parser.parse_args()


def _load(instrument: bool) -> None:
    """Set Django up (leases.py needs its models), with `telemetry` instrumented or not."""
    import django

    with _instrumented() if instrument else nullcontext():
        django.setup()
        import tests.fuzz.target  # noqa: F401


def _instrumented() -> AbstractContextManager[None]:
    import atheris

    return atheris.instrument_imports(include=["telemetry"], enable_loader_override=False)


def _decoder(options: argparse.Namespace) -> None:
    _load(options.engine == "atheris")
    from tests.fuzz import engines
    from tests.fuzz.target import Tally, take

    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 31) + 1
    sys.stdout.write(f"seed {seed}, {options.engine}\n")
    session = engines.Session(options.runs, options.seconds, seed, options.folder, Tally())
    engine = engines.guided if options.engine == "atheris" else engines.generated
    engine(session, take)


def _replay(path: Path) -> int:
    _load(instrument=False)
    from tests.fuzz.batch import unpacked
    from tests.fuzz.target import Tally, take

    data, tally = bytes.fromhex(path.read_text()), Tally()
    for kind, payload in unpacked(data):
        sys.stdout.write(f"{chr(kind)} {len(payload)} bytes: {payload[:300]!r}\n")
    began = time.monotonic()
    take(data, tally)
    sys.stdout.write(f"taken in within {1000 * (time.monotonic() - began):.1f} ms\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
