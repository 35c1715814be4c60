"""The site admin's view of teams, people and servers.

What the collector writes can be looked at, not edited: a changed lease or attempt would be a lie.
Groups and permissions are not shown, for nothing here asks them: a role in a team does that.

The admin's classes are generic to mypy alone; at run time they take no type arguments.
"""

from telemetry.admin import people, servers, ways_in
from telemetry.admin.kinds import OwnerAdmin, RecordAdmin

__all__ = ["OwnerAdmin", "RecordAdmin", "people", "servers", "ways_in"]
