"""Trouble that is tried again until it is over: one line when it begins, one when it ends, none between.

Used by whatever retries: database calls, the phases of a loop, lease renewals, deliveries, the tails of the
chat. A trouble that comes and goes several times a second is one trouble.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

SETTLED_SEC = 1.0  # without a failure, before a success ends the outage
AWAY = (
    OperationalError,
    InterfaceError,
    OSError,
    TimeoutError,
)  # said in a line; the rest with its traceback


class Outage:
    """The failures of one activity since it last worked. Safe from any thread."""

    def __init__(
        self, logger: logging.Logger, activity: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`activity` is the subject of the lines, for example "Renewing leases"."""
        self._log = logger
        self._activity = activity
        self._now = now
        self._lock = threading.Lock()
        self._kinds: set[type[BaseException]] = set()  # logged already in this outage
        self._began_at = self._failed_at = 0.0
        self.count = 0  # failures in this outage; 0: it works
        self.error = ""  # the last one

    def failed(self, error: BaseException) -> None:
        """Count a failure; the first of its kind in an outage is logged."""
        with self._lock:
            self._failed_at = self._now()
            if not self.count:
                self._began_at = self._failed_at
            self.count += 1
            self.error = in_words(error)
            if type(error) in self._kinds:
                return
            self._kinds.add(type(error))
        trace = None if isinstance(error, AWAY) else error
        self._log.warning(
            "%s failed (%s). Stagent retries; the next line follows when it works again.",
            self._activity,
            in_words(error),
            exc_info=trace,
        )

    def worked(self) -> None:
        """End the outage, where there is one and it has not failed for a moment."""
        if not self.count:  # without the lock: the ordinary case, a thousand times a second
            return
        with self._lock:
            if not self.count or self._now() - self._failed_at < SETTLED_SEC:
                return
            count, lasted = self.count, self._now() - self._began_at
            self.count, self.error = 0, ""
            self._kinds.clear()
        self._log.info(
            "%s works again after %d %s in %.1f s.",
            self._activity,
            count,
            "failure" if count == 1 else "failures",
            lasted,
        )

    @property
    def lasts_sec(self) -> float:
        """How long it has failed, in seconds; 0.0 where it works."""
        with self._lock:
            return self._now() - self._began_at if self.count else 0.0


def in_words(error: BaseException) -> str:
    """Name an error in one line."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}"[:300] if said else type(error).__name__
