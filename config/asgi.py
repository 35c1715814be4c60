"""HTTP to Django; live sockets, streams and polls to applications of their own beside it."""

import gc
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

django.setup(set_prefix=False)

# Only after Django is set up: the consumers use models. The addresses bring all pages with them, of
# which otherwise the first request would: too late for what is done below.
from django.conf import settings  # noqa: E402

import config.urls  # noqa: E402, F401
from config import broken_off  # noqa: E402
from config.base_path import below  # noqa: E402
from config.handler import OneThreadHandler  # noqa: E402
from config.sockets import not_found_socket  # noqa: E402
from telemetry.routing import http_urlpatterns, websocket_urlpatterns  # noqa: E402

broken_off.take_effect()
http_application: Any = OneThreadHandler()

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
# A page makes tens of thousands of objects, nearly all of which go by themselves: by Python's own
# thresholds (700, 10, 10) it would pay for a full collection, some 10 ms, and so would whoever
# listens to the live stream meanwhile.
gc.set_threshold(50_000, 10, 10)
