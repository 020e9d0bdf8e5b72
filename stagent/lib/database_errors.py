"""What an error says of the database, or of another server: that it is away, that its disk is full."""

import errno

from django.db import InterfaceError, OperationalError

from stagent.lib.text import shorten

AWAY = (
    OperationalError,
    InterfaceError,
    OSError,
    TimeoutError,
)  # said in a line; the rest with its traceback
LONGEST = 300  # characters of an error in words
OF_DATABASE = (OperationalError, InterfaceError)
OF_DRIVER = {"psycopg.OperationalError", "psycopg.InterfaceError"}  # by name: it is not there with SQLite
OUR_FAULT = ("no such ", "syntax error", "has no column", "incomplete input")  # as SQLite says it
DISK_FULL = ("disk is full", "no space left on device", "disk quota exceeded")
FULL_ERRNO = (errno.ENOSPC, errno.EDQUOT)
FULL_SQLSTATE = "53100"


def is_away(error: BaseException) -> bool:
    """Tell whether the database does not answer, or cannot write; not that a statement is wrong."""
    return _is_of_database(error) and not any(words in str(error) for words in OUR_FAULT)


def is_full(error: BaseException) -> bool:
    """Tell whether a disk is full: the database's, or one that a file is on."""
    if isinstance(error, OSError) and error.errno in FULL_ERRNO:
        return True
    if not _is_of_database(error):
        return False
    said, states = str(error).lower(), [getattr(one, "sqlstate", "") for one in (error, error.__cause__)]
    return FULL_SQLSTATE in states or any(w in said for w in DISK_FULL)


def _is_of_database(error: BaseException) -> bool:
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return isinstance(error, OF_DATABASE) or not kinds.isdisjoint(OF_DRIVER)


def describe(error: BaseException) -> str:
    """Name an error in one line."""
    said = str(error).strip()
    return shorten(f"{type(error).__name__}: {said}", LONGEST) if said else type(error).__name__
