"""Writing the log where its disk may be full: lines are dropped and counted, and the process goes on.

Only a closed pipe (EPIPE) means that nobody reads the log any more.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from io import UnsupportedOperation
from typing import Any, TextIO


class LineWriter:
    """Writes lines to a file, or to Django's wrapper around one.

    `on_closed` is called where whoever read them is gone.
    """

    def __init__(self, stream: Any, on_closed: Callable[[], None] | None = None) -> None:
        self.stream = stream
        self._on_closed = on_closed
        self._is_cut = False  # a line was written in part
        self.lost = 0  # lines, since one was last written
        self._why = ""

    def write(self, line: str) -> None:
        """Write a line, after word of those that were lost. Raises nothing."""
        try:
            if self.lost:
                lines = "line was" if self.lost == 1 else "lines were"
                self._put(f"{self.lost} {lines} lost here: the log could not be written ({self._why}).")
                self.lost = 0
            self._put(line)
        except BrokenPipeError:
            if self._on_closed:
                self._on_closed()
        except OSError as error:
            self.lost, self._why = self.lost + 1, str(error)

    def _put(self, line: str) -> None:
        self.stream.flush()  # what others wrote comes first
        data = f"{'\n' if self._is_cut else ''}{line}\n".encode(errors="replace")
        descriptor = self._descriptor()
        if descriptor is None:
            self.stream.write(data.decode())
            self.stream.flush()
            return
        # Not through the stream: after an error its buffer keeps what was, and fails again at exit.
        while data:
            data = data[os.write(descriptor, data) :]
            self._is_cut = bool(data)

    def _descriptor(self) -> int | None:
        with suppress(AttributeError, UnsupportedOperation, ValueError):
            return int(self.stream.fileno())
        return None


class LogHandler(logging.StreamHandler[TextIO]):
    """The handler of every process; what its disk cannot take is counted."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - of a record that cannot be formatted
            self.handleError(record)
            return
        if self._writer is None or self._writer.stream is not self.stream:
            self._writer = LineWriter(self.stream)
        self._writer.write(line)

    _writer: LineWriter | None = None
