"""Log filters: which records are written, and in how many lines."""

from logging import LogRecord

from stagent.lib.database_errors import is_unavailable
from stagent.lib.processes.outage import DATABASE
from stagent.lib.text import shorten

SERVER_ERROR = 500


def is_server_error(record: LogRecord) -> bool:
    """Keep server errors (500); a refused request is no error of the install."""
    return getattr(record, "status_code", SERVER_ERROR) == SERVER_ERROR


def strip_traceback(record: LogRecord) -> bool:
    """Remove the traceback of a record whose message is enough."""
    record.exc_info = record.exc_text = None
    return True


def drop_outage_records(record: LogRecord) -> bool:
    """Drop records about an unavailable database, whichever logger they come from: the outage has its own
    line.

    Each is counted in the outage as one more failure of a request, run or reply.
    """
    for error in _errors_of(record):
        if is_unavailable(error):
            DATABASE.record(shorten(record.getMessage().partition("\n")[0], 100), error)
            return False
    return True


def _errors_of(record: LogRecord) -> list[BaseException]:
    arguments = record.args if isinstance(record.args, tuple) else ()
    exception = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    errors = [each for each in (exception, *arguments) if isinstance(each, BaseException)]
    return [each for error in errors for each in (error, error.__cause__) if each is not None]
