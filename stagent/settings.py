"""Stagent's settings: everything a deployment may change is read from the environment.

DATABASE_URL, REDIS_URL, SECRET_KEY, DEBUG, ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS, SECURE_SSL_REDIRECT,
TIME_ZONE, LOG_LEVEL, STAGENT_DATA_DIR, STAGENT_EXECUTOR, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL,
STAGENT_DEFAULT_MODEL, STAGENT_CONTEXT_TOKENS, STAGENT_APPROVAL_EXPIRES_SEC, STAGENT_MCP_MAX_PROCESSES,
CHAT_LEASE_TTL_SEC, STAGENT_DATABASE_THREADS, STAGENT_WEB_THREADS, STAGENT_PUBLIC_URL, STAGENT_NOTIFY_EMAIL,
STAGENT_NOTIFY_WEBHOOK, DEFAULT_FROM_EMAIL, EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD,
EMAIL_USE_TLS; the SCHEDULE_* keys are those of `schedules.conf`.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from stagent.lib import env, zone_data
from stagent.lib.db import settings
from stagent.lib.log import filters

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("STAGENT_DATA_DIR", BASE_DIR / "data")

DEBUG = env.flag("DEBUG", default=True)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY must be set when DEBUG is off: a long random text, and always the same."
        )
    SECRET_KEY = env.generated_secret(DATA_DIR / "secret_key")

ALLOWED_HOSTS = env.string_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = env.string_list("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    # Only `runserver` needs it listed; its import would cost every other command a second or two.
    *(["daphne"] if "runserver" in sys.argv else []),
    "stagent.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "ninja",  # the pages of /api/docs and what they load come from here, not from a foreign origin
    "stagent",
    "stagent.console",
    "agents",
    "schedules",
    "chat",
]

MIDDLEWARE = [
    "stagent.middleware.probe_hosts.probe_hosts",
    "stagent.middleware.head_requests.head_requests",
    "stagent.api.errors.uniform_api_errors",
    "stagent.middleware.etags.conditional_answers",
    "stagent.middleware.database_unavailable.DatabaseUnavailable",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "stagent.urls"
ASGI_APPLICATION = "stagent.asgi.application"
LOGIN_URL = "admin:login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": settings.configure(env.text("DATABASE_URL"), DATA_DIR / "stagent.sqlite3")}

# How many threads, with a connection each, an event loop has to ask the database with. More than one gains
# nothing on SQLite, where one writes at a time.
STAGENT_DATABASE_THREADS = env.number(
    "STAGENT_DATABASE_THREADS", 4 if settings.is_postgresql(DATABASES) else 1, least=1
)

# How many requests a web process performs at once, each in a thread with a connection of its own.
STAGENT_WEB_THREADS = env.number("STAGENT_WEB_THREADS", 10, least=1)

# Who performs runs: the schedulers themselves, or workers of Procrastinate on any number of hosts, which
# needs PostgreSQL (its migrations fail on SQLite). A choice that cannot be had is an error of the checks.
STAGENT_EXECUTOR = env.text("STAGENT_EXECUTOR", "local")
if STAGENT_EXECUTOR == "procrastinate" and settings.is_postgresql(DATABASES) and find_spec("procrastinate"):
    INSTALLED_APPS += ["schedules.cluster", "procrastinate.contrib.django"]
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": 4,
    "delete_jobs": "always",  # what is to be known of a run is in its row
    "fetch_job_polling_interval": 2.0,  # behind LISTEN, and instead of it where a pooler swallows it
    "abort_job_polling_interval": 2.0,
    "shutdown_graceful_timeout": 20.0,
    "update_heartbeat_interval": 5.0,
    "stalled_worker_timeout": 30.0,
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The channel layer is a doorbell. The pub/sub layer, because the other Redis layer
# closes idle sockets after five seconds (channels_redis #422).
REDIS_URL = env.text("REDIS_URL")
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
zone_data.choose_zone_data()  # before any zone is loaded, in every process
TIME_ZONE = env.zone("TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "stagent.console.formats"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise complains of an absent folder, even where it needs none
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "stagent.storage.Storage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# Transcripts of models are shown on these pages: nothing inline, no foreign origin, no eval.
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
if not DEBUG:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # probes come without TLS
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Mail goes to the log until there is a server for it.
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.text("EMAIL_HOST"),
            "port": env.number("EMAIL_PORT", 587, least=1),
            "username": env.text("EMAIL_HOST_USER"),
            "password": env.text("EMAIL_HOST_PASSWORD"),
            "use_tls": env.flag("EMAIL_USE_TLS", default=True),
            "timeout": 10,
        },
    }
    if env.text("EMAIL_HOST")
    else {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
}
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "stagent@localhost")
STAGENT_NOTIFY_EMAIL = env.text("STAGENT_NOTIFY_EMAIL")  # where the operators are told of trouble
STAGENT_NOTIFY_WEBHOOK = env.text("STAGENT_NOTIFY_WEBHOOK")
STAGENT_PUBLIC_URL = env.text("STAGENT_PUBLIC_URL")  # what links in mails and webhooks begin with

ANTHROPIC_API_KEY = env.text("ANTHROPIC_API_KEY")
ANTHROPIC_BASE_URL = env.text("ANTHROPIC_BASE_URL")
STAGENT_DEFAULT_MODEL = env.text("STAGENT_DEFAULT_MODEL", "claude-sonnet-5-5")
STAGENT_CONTEXT_TOKENS = env.text("STAGENT_CONTEXT_TOKENS", "180000")
STAGENT_APPROVAL_EXPIRES_SEC = env.number("STAGENT_APPROVAL_EXPIRES_SEC", 86_400, least=1)
STAGENT_MCP_MAX_PROCESSES = env.number("STAGENT_MCP_MAX_PROCESSES", 16, least=1)
CHAT_LEASE_TTL_SEC = env.number("CHAT_LEASE_TTL_SEC", 75, least=2)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{", "datefmt": "%H:%M:%S"},
    },
    "filters": {
        "broke": {"()": "django.utils.log.CallbackFilter", "callback": filters.is_server_error},
        "in_one_line": {"()": "django.utils.log.CallbackFilter", "callback": filters.strip_traceback},
        "tells_no_outage": {
            "()": "django.utils.log.CallbackFilter",
            "callback": filters.drop_outage_records,
        },
    },
    "handlers": {
        "stderr": {
            "class": "stagent.lib.log.output.LogHandler",
            "formatter": "line",
            "filters": ["tells_no_outage"],
        }
    },
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")),
    },
    "loggers": {
        "django": {"level": "INFO"},  # without the handler of its own that says everything twice
        "django.request": {"filters": ["broke"]},
        "django.security.DisallowedHost": {"filters": ["in_one_line"]},  # whoever scans the net comes by
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "mcp": {"level": "CRITICAL"},  # what goes wrong with a server is told by agents.mcp, without traces
        "client": {"level": "CRITICAL"},  # the same package
    },
}
