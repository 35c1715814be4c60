"""Addresses of the live topics: a socket, an event stream and a poll beside each other."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from django.urls import path

from telemetry import streams
from telemetry.consumers import LiveConsumer, with_own_send

# Channels routes to ASGI applications, which Django's path functions are not typed for.
_socket: Any = with_own_send(AuthMiddlewareStack(LiveConsumer.as_asgi()))
_events: Any = AuthMiddlewareStack(streams.events)
_snapshot: Any = AuthMiddlewareStack(streams.snapshot)

# A screen has no session: the link in its address is all that it is asked for.
_tv_socket: Any = with_own_send(LiveConsumer.as_asgi())
_tv_events: Any = streams.events
_tv_snapshot: Any = streams.snapshot

websocket_urlpatterns = [
    path("live/socket/", _socket, name="live_socket"),
    path("live/tv/<str:token>/socket/", _tv_socket, name="tv_socket"),
]
http_urlpatterns = [
    path("live/events/", _events, name="live_events"),
    path("live/snapshot/", _snapshot, name="live_snapshot"),
    path("live/tv/<str:token>/events/", _tv_events, name="tv_events"),
    path("live/tv/<str:token>/snapshot/", _tv_snapshot, name="tv_snapshot"),
]
