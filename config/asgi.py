"""HTTP to Django, WebSocket to the live consumers behind sessions and log-in."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

# Only after Django is set up: the consumers use models.
from config.sockets import not_found_socket  # noqa: E402
from telemetry.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": AuthMiddlewareStack(URLRouter([*websocket_urlpatterns, not_found_socket])),
    }
)
