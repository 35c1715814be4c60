"""Where the collector and the record meet: `config` alone knows both."""

from history.outlook import outlook
from history.overview import Overviews
from history.recall import recall
from history.recorder import Writer
from telemetry.collector import Collector
from telemetry.record import Record


def new_collector(owner: str) -> tuple[Collector, Writer]:
    """Return a collector that records through a writer; both still to be started."""
    writer = Writer()
    return Collector(owner, Record(writer.record, outlook, recall, Overviews().read)), writer
