"""System checks of the project; each has an id and a hint."""

import os
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from stagent.lib.db import settings as database

LOCAL = "local"
EXECUTORS = (LOCAL, "procrastinate")


@register()
def check_data_folder(**_: Any) -> list[CheckMessage]:
    """The data folder holds workspaces, the SQLite file and the generated secret."""
    if os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return []
    hint = "Set STAGENT_DATA_DIR to a folder that this user may write."
    return [Error(f"The data folder {settings.DATA_DIR} cannot be written.", hint=hint, id="stagent.E001")]


@register()
def check_executor(**_: Any) -> list[CheckMessage]:
    """Without this, runs without a worker show only when one is due."""
    executor = settings.STAGENT_EXECUTOR
    if executor not in EXECUTORS:
        says, number, hint = (
            f"STAGENT_EXECUTOR={executor!r} is no executor.",
            4,
            "Set it to local or procrastinate.",
        )
    elif executor == LOCAL:
        return []
    elif not database.is_postgresql(settings.DATABASES):
        says, number = "STAGENT_EXECUTOR=procrastinate needs PostgreSQL, and the database is another.", 5
        hint = "Set DATABASE_URL to postgres://…, or leave STAGENT_EXECUTOR out."
    elif find_spec("procrastinate") is None:
        says, number = "STAGENT_EXECUTOR=procrastinate, but Procrastinate is not installed.", 6
        hint = "Install stagent[cluster]."
    else:
        return []
    return [Error(says, hint=hint, id=f"stagent.E00{number}")]


@register()
def check_redis(**_: Any) -> list[CheckMessage]:
    """Without this, a missing Redis shows only at the first broadcast."""
    if not settings.REDIS_URL:
        return []
    address = urlsplit(settings.REDIS_URL)
    if address.scheme not in {"redis", "rediss", "unix"} or not (address.hostname or address.path):
        return [
            Error("REDIS_URL is not a Redis address.", hint="Write redis://host:6379/0.", id="stagent.E002")
        ]
    if find_spec("channels_redis") is None:
        hint = "Install stagent[cluster]."
        return [Error("REDIS_URL is set, but channels-redis is not installed.", hint=hint, id="stagent.E003")]
    return []
