"""Log output that survives a full disk: lines are dropped and counted, and the process continues.

Only a closed pipe (EPIPE) means that the log has no reader any more.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from io import UnsupportedOperation
from typing import Any, TextIO


class LineWriter:
    """Writes lines to a file or Django's output wrapper.

    `on_closed` is called when the reader of a pipe is gone.
    """

    def __init__(self, stream: Any, on_closed: Callable[[], None] | None = None) -> None:
        self.stream = stream
        self._on_closed = on_closed
        self._is_partial = False  # the last line was written in part
        self.lost_lines = 0  # since the last line that was written
        self._reason = ""

    def write(self, line: str) -> None:
        """Write a line, preceded by the number of lost ones. Raises nothing."""
        try:
            if self.lost_lines:
                lines = "line was" if self.lost_lines == 1 else "lines were"
                self._write_line(
                    f"{self.lost_lines} {lines} lost: the log could not be written ({self._reason})."
                )
                self.lost_lines = 0
            self._write_line(line)
        except BrokenPipeError:
            if self._on_closed:
                self._on_closed()
        except OSError as error:
            self.lost_lines, self._reason = self.lost_lines + 1, str(error)

    def _write_line(self, line: str) -> None:
        self.stream.flush()  # keep the order with other writers
        data = f"{'\n' if self._is_partial else ''}{line}\n".encode(errors="replace")
        descriptor = self._descriptor()
        if descriptor is None:
            self.stream.write(data.decode())
            self.stream.flush()
            return
        # Not through the stream: after an error its buffer keeps the data and fails again at exit.
        while data:
            data = data[os.write(descriptor, data) :]
            self._is_partial = bool(data)

    def _descriptor(self) -> int | None:
        with suppress(AttributeError, UnsupportedOperation, ValueError):
            return int(self.stream.fileno())
        return None


class LogHandler(logging.StreamHandler[TextIO]):
    """The log handler of every process; lines that the disk cannot take are counted."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - the record cannot be formatted
            self.handleError(record)
            return
        if self._writer is None or self._writer.stream is not self.stream:
            self._writer = LineWriter(self.stream)
        self._writer.write(line)

    _writer: LineWriter | None = None
