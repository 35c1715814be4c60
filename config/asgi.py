"""HTTP to Django; live sockets, streams and polls to applications of their own beside it."""

import gc
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

http_application: Any = get_asgi_application()

# Only after Django is set up: the consumers use models.
from django.conf import settings  # noqa: E402

from config.base_path import below  # noqa: E402
from config.sockets import not_found_socket  # noqa: E402
from telemetry.routing import http_urlpatterns, websocket_urlpatterns  # noqa: E402

application = below(
    settings.BASE_PATH,
    ProtocolTypeRouter(
        {
            "http": URLRouter([*http_urlpatterns, re_path(r"", http_application)]),
            "websocket": URLRouter([*websocket_urlpatterns, not_found_socket]),
        }
    ),
)

# What was imported stays for good. Python would look through all of it at every full collection of
# garbage, and no viewer hears anything for the 150 ms which that takes.
gc.freeze()
