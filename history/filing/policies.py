"""Versions of queue policies, told apart by their content."""

import hashlib
from typing import Any

from history.filing.into import Into
from history.imports.json_text import canonical
from history.imports.told import ToldPolicy, ToldRun
from history.models import QueuePolicy


def fingerprint(policy: ToldPolicy) -> str:
    """Return the SHA-256 of a policy's content."""
    return hashlib.sha256(canonical(_plain(policy))).hexdigest()


def _plain(policy: ToldPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in ToldPolicy.__dataclass_fields__}


class Policies:
    """The rows of the policies that a file tells; new ones are made."""

    def __init__(self, told: ToldRun, into: Into) -> None:
        wanted = {fingerprint(p): p for p in (told.policy, *(s.policy for s in told.scenes)) if p}
        known = QueuePolicy.objects.filter(team=into.team, fingerprint__in=wanted)
        self._ids = dict(known.values_list("fingerprint", "pk"))
        missing = [
            QueuePolicy(team=into.team, fingerprint=key, first_seen_at=into.at, **_plain(policy))
            for key, policy in sorted(wanted.items())
            if key not in self._ids
        ]
        if missing:
            # Another import may make the same one just now: then its row is the one.
            QueuePolicy.objects.bulk_create(missing, ignore_conflicts=True)
            self._ids = dict(known.all().values_list("fingerprint", "pk"))

    def pk(self, policy: ToldPolicy | None) -> int | None:
        """Return the primary key of a policy's row, None for none."""
        return self._ids[fingerprint(policy)] if policy is not None else None
