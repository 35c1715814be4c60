"""What the API's routes about what is are asked, and what they answer. Missing is null."""

from datetime import datetime
from typing import Annotated, Any, Self

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from telemetry.clock import in_utc

# Databases do not take every year in every zone, and whoever asks may name any.
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]


class Shape(BaseModel):
    """An answer, or a part of one.

    Not ninja's Schema: that looks for a getter of each value, ten times as slow.
    """

    @classmethod
    def told(cls, row: Any, **others: Any) -> Self:
        """Return the row's columns that are named like fields, "" as null, and the others."""
        names = cls.model_fields.keys() - others.keys()
        columns = {name: getattr(row, name) for name in names}
        return cls(
            **{name: value if value != "" else None for name, value in columns.items()}, **others
        )


class TeamQuery(Schema):
    """Which team is asked about: only who is in several, and has no token, must say."""

    team: str | None = Field(
        None,
        max_length=40,
        pattern=r"^[-\w]+$",
        description="Its slug; a token has a team of its own.",
    )


class Me(Shape):
    """Who asks, and what with; all but the user are null with a session."""

    user: str
    team: str | None = None
    role: str | None = None
    token: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None


class DeviceOut(Shape):
    """A GPU, or the CPU, as ComfyUI last named it."""

    index: int
    uuid: str | None
    name: str
    kind: str
    vram_total_bytes: int | None
    seen_at: datetime


class ServerOut(Shape):
    """A server that the team has."""

    id: int
    name: str
    url: str
    enabled: bool
    simulated: bool
    created_at: datetime
    comfyui_version: str | None
    devices: list[DeviceOut]


class Servers(Shape):
    """The team's servers in the order of the wall, all at once."""

    items: list[ServerOut]
