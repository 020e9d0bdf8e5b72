"""What becomes a line of the log, and of how many lines."""

from logging import LogRecord

from stagent.lib.database_errors import is_away
from stagent.lib.processes.outage import DATABASE
from stagent.lib.text import shorten

BROKE = 500


def is_server_error(record: LogRecord) -> bool:
    """Keep what broke on our side; what was refused is the asker's news and not the operator's."""
    return getattr(record, "status_code", BROKE) == BROKE


def on_one_line(record: LogRecord) -> bool:
    """Leave the trace out, where the message says it all."""
    record.exc_info = record.exc_text = None
    return True


def drop_outage_tracebacks(record: LogRecord) -> bool:
    """Leave out what tells that the database is away, whoever says it: the outage has a line of its own.

    It is counted there instead: a page request, a run or a reply that failed by it is one more failure.
    """
    for error in _errors_of(record):
        if is_away(error):
            DATABASE.met(shorten(record.getMessage().partition("\n")[0], 100), error)
            return False
    return True


def _errors_of(record: LogRecord) -> list[BaseException]:
    given = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    found = [one for one in (raised, *given) if isinstance(one, BaseException)]
    return [one for error in found for one in (error, error.__cause__) if one is not None]
