"""`manage.py test`: pytest in this interpreter, with its own options; all of it on all cores."""

import os
import sys

import pytest
from django.conf import settings
from django.core.management.base import BaseCommand

# Without a word, the whole suite: a file at a time for each core, in the order of conftest.py.
WHOLE = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "-q"]


class Command(BaseCommand):
    """Run the tests; everything after `test` goes to pytest."""

    help = "Run the tests with pytest: manage.py test tests/telemetry -k seq"
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand the arguments on unread, and end with pytest's exit code."""
        os.chdir(settings.BASE_DIR)
        sys.exit(int(pytest.main(argv[2:] or WHOLE)))
