"""The site below a path of its host: https://example.org/scenewatch/."""

from collections.abc import Awaitable, Callable
from typing import Any

# An ASGI application, which Channels types no more than its own.
Application = Callable[[Any, Any, Any], Awaitable[None]]


def below(path: str, inner: Application) -> Application:
    """Have an application answer below a path, "" for the root, whether or not a proxy cut it off.

    Django wants the whole of it, and takes FORCE_SCRIPT_NAME off again; the router of Channels
    looks at what remains.
    """

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if "path" in scope:
            asked = scope["path"]
            rest = asked.removeprefix(path) if asked.startswith(f"{path}/") else asked
            scope = {**scope, "path": path + rest, "path_remaining": rest}
        await inner(scope, receive, send)

    return application if path else inner
