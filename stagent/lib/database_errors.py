"""Classifies errors of the database and of other servers: unavailable, or disk full."""

import errno

from django.db import InterfaceError, OperationalError

from stagent.lib.text import shorten

UNAVAILABLE = (
    OperationalError,
    InterfaceError,
    OSError,
    TimeoutError,
)  # logged as one line; other errors with a traceback
MAX_LENGTH = 300  # characters of an error message
DATABASE_ERRORS = (OperationalError, InterfaceError)
DRIVER_ERRORS = {
    "psycopg.OperationalError",
    "psycopg.InterfaceError",
}  # by name: psycopg need not be installed with SQLite
WRONG_STATEMENT = ("no such ", "syntax error", "has no column", "incomplete input")  # SQLite's messages
DISK_FULL = ("disk is full", "no space left on device", "disk quota exceeded")
FULL_ERRNO = (errno.ENOSPC, errno.EDQUOT)
FULL_SQLSTATE = "53100"


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database does not answer or cannot write. A wrong statement is no outage."""
    return _is_database_error(error) and not any(marker in str(error) for marker in WRONG_STATEMENT)


def is_disk_full(error: BaseException) -> bool:
    """Return whether a disk is full: the database's, or one that holds a file."""
    if isinstance(error, OSError) and error.errno in FULL_ERRNO:
        return True
    if not _is_database_error(error):
        return False
    text, states = str(error).lower(), [getattr(each, "sqlstate", "") for each in (error, error.__cause__)]
    return FULL_SQLSTATE in states or any(marker in text for marker in DISK_FULL)


def _is_database_error(error: BaseException) -> bool:
    names = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return isinstance(error, DATABASE_ERRORS) or not names.isdisjoint(DRIVER_ERRORS)


def describe(error: BaseException) -> str:
    """Return an error as one line."""
    text = str(error).strip()
    return shorten(f"{type(error).__name__}: {text}", MAX_LENGTH) if text else type(error).__name__
