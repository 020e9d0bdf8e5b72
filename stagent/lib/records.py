"""What becomes a line of the log, and of how many lines."""

from logging import LogRecord

BROKE = 500


def broke(record: LogRecord) -> bool:
    """Keep what broke on our side; what was refused is the asker's news and not the operator's."""
    return getattr(record, "status_code", BROKE) == BROKE


def in_one_line(record: LogRecord) -> bool:
    """Leave the trace out, where the message says it all."""
    record.exc_info = record.exc_text = None
    return True
