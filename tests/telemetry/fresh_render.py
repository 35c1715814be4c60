"""`python -m tests.telemetry.fresh_render FILE`: render states anew, in a process that saw nothing.

FILE holds pickled (key, state, at) one after the other; a line of JSON per state goes to stdout:
[key, the HTML of each part by element id, the card's own attributes].
"""

import json
import os
import pickle
import sys
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

if __name__ == "__main__":
    django.setup()
    from telemetry.cards import card_of
    from telemetry.leases import Leased
    from telemetry.live import attributes, rendered

    leased = Leased(3, 1, "kino-01", "http://kino-01:8188", "", False, 1)
    with Path(sys.argv[1]).open("rb") as states:
        while True:
            try:
                key, state, at = pickle.load(states)
            except EOFError:
                break
            card = card_of(state, leased, at)
            sys.stdout.write(json.dumps([key, rendered(card), attributes(card)]) + "\n")
