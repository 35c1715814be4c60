"""A list of ids as one parameter: a statement that stays the same however many there are."""

from typing import Any

import msgspec
from django.db import connection

AMONG = {"postgresql": "= ANY(%s)", "sqlite": "IN (SELECT value FROM json_each(%s))"}


def among(ids: list[int]) -> Any:
    """Return ids as the parameter of AMONG."""
    return ids if connection.vendor == "postgresql" else msgspec.json.encode(ids).decode()
