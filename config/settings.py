"""Settings, from environment variables only; nothing set means embedded (docs/configuration.md).

Embedded: one process, SQLite in the data folder, channel layer, live state and broker in memory.
Team: SCENEWATCH_DATABASE_URL (PostgreSQL) and SCENEWATCH_REDIS_URL; any number of processes.
"""

import sys
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis.connection import parse_url

from config import env
from config.secret import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).expanduser().absolute()
TESTING = "pytest" in sys.modules
IS_WEB_PROCESS = "config.asgi" in sys.modules

# --- Mode ---------------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")
EMBEDDED = not REDIS_URL

DEBUG = env.boolean("DEBUG")
SECRET_KEY = secret_key(env.text("SECRET_KEY"), DATA_DIR, keep=not TESTING)
HTTPS = env.boolean("HTTPS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# The path of the site's addresses, where other sites share its host name.
BASE_PATH = env.base_path("BASE_PATH")
FORCE_SCRIPT_NAME = BASE_PATH or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{BASE_PATH}/"

INSTALLED_APPS = [
    "daphne",
    "config.apps.SiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_htmx",
    "template_partials",
    "config",
    "telemetry",
    "history",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "telemetry.preferences.OwnPreferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "telemetry.context.site",
                "telemetry.preferences.shown",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "scenewatch.sqlite3",
        "OPTIONS": {
            # A deferred transaction that reads and then writes fails at once with "database is
            # locked" when another writer came between (measured: 1171 of 1500); IMMEDIATE waits.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        },
        # A file, so that the threads of one test (site, collector, browser) share it.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
}
if DATABASE_URL:
    try:
        DATABASES["default"] = {**dj_database_url.parse(DATABASE_URL, conn_health_checks=True)}
    except ValueError:
        raise ImproperlyConfigured(
            "SCENEWATCH_DATABASE_URL is no address of a database; write "
            "postgres://USER:PASSWORD@HOST/NAME (special characters as %40 and the like)."
        ) from None
# Each request has a thread of its own, so a connection of its own, which takes longer to make than
# most pages take: the web process hands them on. The others keep theirs, in threads that stay.
DATABASE_POOL = env.whole("DATABASE_POOL", 20, 0, 1000)
if DATABASE_URL and IS_WEB_PROCESS and DATABASE_POOL:
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL,
        "timeout": 5,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Channel layer, live state, broker ----------------------------------------------------------
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {"BACKEND": "telemetry.layers.LoopBoundInMemoryChannelLayer"},
}
LIVE_STORE = "telemetry.stores.MemoryStore"
CELERY_BROKER_URL = "memory://localhost/"
# memory:// looks for work once a second by default, which a person who pressed a button notices.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"polling_interval": 0.1}
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Limits are counted in it, by address: beyond 300, the default, counts would be dropped.
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
if REDIS_URL:
    try:
        _redis_number = parse_url(REDIS_URL).get("db", 0)  # type: ignore[no-untyped-call]
    except ValueError:
        raise ImproperlyConfigured(
            "SCENEWATCH_REDIS_URL is no address of a Redis; write redis://HOST:PORT/NUMBER."
        ) from None
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # redis-py 8 gives up an idle read after 5 s by default; farms are quiet for hours.
            "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
            # What is published in one database of a Redis is heard in all: without its number,
            # two sites on one Redis would show each other's walls.
            "prefix": f"scenewatch-{_redis_number}",
        },
    }
    LIVE_STORE = "telemetry.redis_store.RedisStore"
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"pool_class": "config.cache_pool.SharedPool"},
    }

CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# `celery -A config inspect ping` reaches workers and beat alike; beat only while it still ticks.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not EMBEDDED
CELERY_BEAT_ENABLE_REMOTE_CONTROL = not EMBEDDED
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker gives up after 100 attempts by default, and a collector has to record without Redis too.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BEAT_SCHEDULE = {
    "housekeeping": {
        "task": "config.tasks.housekeeping",
        "schedule": env.number("HOUSEKEEPING_S", 300, 1, 86_400),
    },
    # Asks whether the nightly purge is due: a site that slept at that hour purges when it wakes.
    "purge": {"task": "config.tasks.purge", "schedule": 300},
}

# --- Retention: days that rows are kept, 0 for ever; the hour (UTC) from which a purge is due ----
KEEP_DAYS = {
    "activity": env.whole("KEEP_ACTIVITY_DAYS", 30, 0, 36_500),
    "nodes": env.whole("KEEP_NODES_DAYS", 90, 0, 36_500),
    "graphs": env.whole("KEEP_GRAPHS_DAYS", 30, 0, 36_500),
    "poll-logs": env.whole("KEEP_POLL_LOGS_DAYS", 365, 0, 36_500),
    "revisions": env.whole("KEEP_REVISIONS_DAYS", 90, 0, 36_500),
    "gpu-samples": env.whole("KEEP_GPU_SAMPLES_DAYS", 30, 0, 36_500),
    "gpu-minutes": env.whole("KEEP_GPU_MINUTES_DAYS", 180, 0, 36_500),
    "gpu-hours": env.whole("KEEP_GPU_HOURS_DAYS", 1_095, 0, 36_500),
    "blind-windows": env.whole("KEEP_BLIND_WINDOWS_DAYS", 365, 0, 36_500),
    "audit": env.whole("KEEP_AUDIT_DAYS", 365, 0, 36_500),
    "workloads": env.whole("KEEP_WORKLOADS_DAYS", 90, 0, 36_500),
    "decisions": env.whole("KEEP_DECISIONS_DAYS", 365, 0, 36_500),
    "failures": env.whole("KEEP_FAILURES_DAYS", 365, 0, 36_500),
    "runs": env.whole("KEEP_RUNS_DAYS", 0, 0, 36_500),
    "deleted-runs": env.whole("KEEP_DELETED_RUNS_DAYS", 30, 0, 36_500),
}
# What each team may keep, in MiB; 0: as much as it likes. Beyond it files are refused.
TEAM_QUOTA_MIB = env.whole("TEAM_QUOTA_MIB", 0, 0, 100_000_000)
PURGE_HOUR = env.whole("PURGE_HOUR", 3, 0, 23)

# --- Pages --------------------------------------------------------------------------------------
# What files told of a run is called old from this age on.
STALE_AFTER_H = env.number("STALE_AFTER_H", 24, 0, 87_600)

# --- People -------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
ADMIN_USER = env.text("ADMIN_USER", "admin")
ADMIN_PASSWORD = env.text("ADMIN_PASSWORD")
SESSION_COOKIE_AGE = 30 * 24 * 3600
# How often an open socket asks whether its user may still listen; the promise is 60 s.
ACCESS_RECHECK_S = env.number("ACCESS_RECHECK_S", 20, 0.05, 25)

# --- API ----------------------------------------------------------------------------------------
API_REQUESTS_PER_MINUTE = env.whole("API_REQUESTS_PER_MINUTE", 600, 1, 1_000_000)
API_REFUSALS_PER_HOUR = env.whole("API_REFUSALS_PER_HOUR", 100, 1, 1_000_000)
# Other sites whose scripts may read answers (CORS); none unless set.
API_ORIGINS = env.origins("API_ORIGINS")

# --- Transport and content security -------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        # Videos of scenes, through us (history/scene_page/files.py).
        "media-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Static files -------------------------------------------------------------------------------
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served straight from the source folders: nobody has to run collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# --- Words and time -----------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

# --- Watching (architecture: truth about age, reconnect policy) ---------------------------------
RECONNECT_DELAYS_S = env.numbers("RECONNECT_DELAYS_S", "1,2,4,8,16,30,60")
RECONNECT_STABLE_S = env.number("RECONNECT_STABLE_S", 30, 0, 3600)
POLL_BUSY_S = env.number("POLL_BUSY_S", 2, 0.1, 60)
POLL_IDLE_S = env.number("POLL_IDLE_S", 10, 0.1, 300)
POLL_CUT_OFF_S = env.number("POLL_CUT_OFF_S", 30, 1, 300)
REQUEST_TIMEOUT_S = env.number("REQUEST_TIMEOUT_S", 10, 0.5, 120)
LIVE_WINDOW_MS = env.number("LIVE_WINDOW_MS", 200, 50, 1000)
# What a page does that lost its connection: the first wait, doubled each time, and the last resort.
LIVE_RECONNECT_DELAY_S = env.number("LIVE_RECONNECT_DELAY_S", 1, 0.1, 30)
LIVE_POLL_S = env.number("LIVE_POLL_S", 30, 5, 300)
# The kinds of topics, and who tells which team's people may listen to one.
LIVE_DOORS = {
    "team": "telemetry.access.team_door",
    "server": "telemetry.access.server_door",
    "run": "history.access.run_door",
}
# A word at least this often on a quiet connection; who says nothing for two of them is gone.
LIVE_BEAT_S = env.number("LIVE_BEAT_S", 30, 0.2, 60)
# Open connections of one person (per web process), what a connection may say per minute, and how
# often an hour one address may be refused before it is no longer asked who it is.
LIVE_CONNECTIONS = env.whole("LIVE_CONNECTIONS", 20, 1, 1000)
LIVE_MESSAGES_PER_MINUTE = env.whole("LIVE_MESSAGES_PER_MINUTE", 1000, 10, 100_000)
LIVE_REFUSALS_PER_HOUR = env.whole("LIVE_REFUSALS_PER_HOUR", 100, 1, 100_000)
# A folder that gets every frame of our own sockets, for bug reports; empty: none.
FRAMES_DIR = env.text("FRAMES_DIR")
GPU = env.choice("GPU", "AUTO", ("AUTO", "OFF"))
LEASE_S = env.number("LEASE_S", 15, 2, 120)
# Beside what telemetry/destinations.py refuses.
REFUSED_ADDRESSES = env.networks("REFUSED_ADDRESSES")

# --- Logging ------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        name: {"level": LOG_LEVEL}
        for name in ("config", "telemetry", "history", "celery.beat", "celery.app.trace")
    },
}
