"""Keep what each workload asks of a GPU: from its graph, the first time that it is seen."""

import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from history.baseline.fingerprint import fingerprint_of
from history.models import Graph, Workload
from history.models.workloads import columns_of


def note_workloads(graphs: Mapping[str, bytes], at: datetime) -> int:
    """Put the workloads of graphs, by digest, on record where they are not; return how many."""
    if not graphs:
        return 0
    known = Workload.objects.filter(digest__in=graphs).values_list("digest", flat=True)
    missing = sorted(graphs.keys() - set(known))
    found = [fingerprint_of(graphs[digest]) for digest in missing]
    rows = [
        Workload(first_seen_at=at, **{**columns_of(one), "digest": digest})
        for digest, one in zip(missing, found, strict=True)
        if one.workload is not None
    ]
    # Another collector may see the same one just now.
    Workload.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def fill_workloads(attempts: Iterable[tuple[int, str]], at: datetime) -> int:
    """Put the workloads of attempts, each (id, workload), on record from their kept graphs."""
    wanted = {digest: pk for pk, digest in attempts}
    known = set(Workload.objects.filter(digest__in=wanted).values_list("digest", flat=True))
    missing = {pk: digest for digest, pk in wanted.items() if digest not in known}
    graphs = Graph.objects.filter(attempt__in=missing).values_list("attempt", "compressed")
    return note_workloads({missing[pk]: zlib.decompress(raw) for pk, raw in graphs}, at)
