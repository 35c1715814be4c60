"""`python -m benchmarks NAME [--json]`: run one, print its figures; exit status 1 if one fails."""

import argparse
import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.figures import lines, table

FRAME = {"__main__", "figures", "stack", "processes", "sign_in"}


def names() -> list[str]:
    """Return the names of the benchmarks there are."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if name not in FRAME and not name.startswith("_"))


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name in names():
        module = importlib.import_module(f"benchmarks.{name}")
        summary = (module.__doc__ or name).splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--json", action="store_true", help="one JSON object per figure")
        module.add_arguments(command)
    options = parser.parse_args(arguments)
    figures = importlib.import_module(f"benchmarks.{options.name}").run(options)
    print(lines(options.name, figures) if options.json else table(figures))
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
