#!/usr/bin/env python3
"""Run Scenewatch's commands; where its packages are missing, get them first (config/bootstrap)."""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  an old interpreter must get words, not a SyntaxError
    sys.exit(
        "Scenewatch needs Python 3.11 or newer; this is Python %d.%d (%s).\n"  # noqa: UP031
        "Run it with a newer one, for example: python3.12 manage.py serve"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from config import bootstrap


def main() -> None:
    """Hand the command line to Django, in an environment that has the locked packages."""
    bootstrap.ensure_packages(sys.argv)
    settings = "tests.settings" if sys.argv[1:2] == ["test"] else "config.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit("A setting is wrong. " + str(error))


if __name__ == "__main__":
    main()
