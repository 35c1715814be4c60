"""Addresses of the live sockets."""

from django.urls import path

from telemetry.consumers import LiveConsumer

websocket_urlpatterns = [
    path("ws/team/<slug:slug>/", LiveConsumer.as_asgi(), name="live_socket"),
]
