"""What an event changed, in the past tense. Pure values: recorded as rows, shown as activity."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from telemetry.graph import GraphFacts
from telemetry.identity import Identity
from telemetry.protocol import StatsAnswer
from telemetry.protocol.outputs import Outputs
from telemetry.words import Grade, Outcome, Tone


@dataclass(frozen=True, slots=True)
class Key:
    """An attempt within its server: a prompt_id, and which of its uses this is.

    ComfyUI before 0.25 accepts a prompt_id again; each use is an attempt of its own.
    """

    prompt_id: str
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt failed, or at which node it was interrupted."""

    type: str | None = None
    message: str | None = None
    node: str | None = None
    node_type: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptSeen:
    """A prompt became known, or more about it did (then it is told again, complete)."""

    key: Key
    at: datetime
    number: float | None
    identity: Identity
    facts: GraphFacts
    graph: bytes | None
    submitted_at: datetime | None
    found_later: bool = False


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A prompt began to execute."""

    key: Key
    started_at: datetime
    grade: Grade


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node of a prompt came to its end, or was found in the cache."""

    key: Key
    node: str
    class_type: str | None
    started_at: datetime | None
    ended_at: datetime | None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """A prompt ended; told again where a better grade corrects the first word.

    `outputs` None: nobody told which files it left, for only the history does.
    """

    key: Key
    outcome: Outcome
    grade: Grade
    started_at: datetime | None
    ended_at: datetime | None
    fault: Fault | None = None
    reason: str = ""
    cached_nodes: int | None = None
    found_later: bool = False
    outputs: Outputs | None = None


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """A device's free bytes around an attempt; `samples` of them fell into its run.

    One source tells all figures of a device, `grade` says which; None is unknown.
    """

    index: int
    uuid: str
    name: str
    total: int | None
    free_before: int | None
    free_lowest: int | None
    free_after: int | None
    grade: Grade
    samples: int


@dataclass(frozen=True, slots=True)
class AttemptMemory:
    """What an ended attempt took of each device's memory; told again where that is corrected."""

    key: Key
    devices: tuple[DeviceMemory, ...]


@dataclass(frozen=True, slots=True)
class DeviceSpan:
    """A device during ten seconds from `at` on; free bytes. Sensors only where the driver tells."""

    index: int
    at: datetime
    samples: int
    grade: Grade
    total: int | None
    free_lowest: int
    free_mean: int
    utilisation_mean_percent: float | None = None
    utilisation_highest_percent: float | None = None
    temperature_highest_c: float | None = None
    power_mean_w: float | None = None


@dataclass(frozen=True, slots=True)
class DevicesSampled:
    """How the server's devices were of late."""

    spans: tuple[DeviceSpan, ...]


@dataclass(frozen=True, slots=True)
class DevicesIdentified:
    """Which cards the server's devices are: UUIDs in the order of /system_stats, "" unknown."""

    at: datetime
    uuids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerRestarted:
    """ComfyUI forgot its queue and history; `lost` attempts went with them."""

    at: datetime
    lost: int


@dataclass(frozen=True, slots=True)
class ServerWentOffline:
    """Nothing of the server answers any more."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ServerCameOnline:
    """The server answers, for the first time or again."""

    at: datetime
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SocketDropped:
    """The socket closed or fell silent while the server goes on."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class BlindWindowEnded:
    """From began_at to ended_at nobody watched the server."""

    began_at: datetime
    ended_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class HistoryFound:
    """Prompts that ended while nobody watched were found in ComfyUI's history."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class BackfillChanged:
    """Reading the history back beyond its newest page began, or came to its end.

    Kept, because a collector that is killed in between has recorded the newest and not the older.
    """

    at: datetime
    going_on: bool


@dataclass(frozen=True, slots=True)
class EnvironmentChanged:
    """What the server runs on is other than it was, or is known for the first time.

    `driver` is that of its GPUs, None where the driver is not asked; `node_packs` None where nobody
    told of them just now.
    """

    at: datetime
    stats: StatsAnswer
    driver: str | None = None
    node_packs: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The server is followed at another address; `lost` attempts were open on another machine.

    `same` says whether it is the ComfyUI that was known; None where none was.
    """

    at: datetime
    url: str
    same: bool | None
    lost: int


@dataclass(frozen=True, slots=True)
class Noted:
    """The log said something of note."""

    at: datetime
    kind: str
    tone: Tone
    text: str
    key: Key | None = None


Transition: TypeAlias = (
    AttemptSeen
    | AttemptStarted
    | NodeFinished
    | AttemptEnded
    | AttemptMemory
    | DevicesIdentified
    | DevicesSampled
    | ServerRestarted
    | ServerWentOffline
    | ServerCameOnline
    | SocketDropped
    | BlindWindowEnded
    | HistoryFound
    | BackfillChanged
    | EnvironmentChanged
    | AddressChanged
    | Noted
)
