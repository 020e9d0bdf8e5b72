"""Outages: failures that are retried until they stop. One log line when an outage begins, one when it ends.

Used by everything that retries: database calls, the phases of a loop, lease renewals, deliveries, the chat's
log readers. A failure that comes and goes several times a second is one outage. An unavailable or full
database is one outage of the whole process, however many activities fail by it.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection

from stagent.lib.database_errors import UNAVAILABLE, describe, is_disk_full, is_unavailable

QUIET_SEC = 1.0  # without a failure, before a success ends the outage
DATABASE_QUIET_SEC = 5.0
EXPIRES_SEC = 60.0  # after this long without a failure the next one begins a new outage
MAX_OUTAGES = 1000

__all__ = ["DATABASE", "UNAVAILABLE", "IsolatedSteps", "Outage", "Outages", "describe"]


class Outage:
    """The failures of one activity since it last worked. Thread-safe."""

    def __init__(
        self, logger: logging.Logger, activity: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`activity` is the subject of the log lines, for example "Renewing leases"."""
        self._log = logger
        self._activity = activity
        self._now = now
        self._lock = threading.Lock()
        self._kinds: set[str] = set()  # kinds of error already logged in this outage
        self._began_at = self._last_failure_at = 0.0
        self._quiet_sec = QUIET_SEC
        self.count = 0  # failures in this outage; 0: no outage
        self.error = ""  # the last one

    def failed(self, error: BaseException) -> None:
        """Count a failure; the first of its kind in an outage is logged."""
        unavailable = is_unavailable(error)
        if self._is_new(error, "" if unavailable else type(error).__name__):
            trace = None if isinstance(error, UNAVAILABLE) else error
            self._log.warning(
                "%s failed (%s). Stagent retries; the next line follows when it works again.",
                self._activity,
                describe(error),
                exc_info=trace,
            )
        if unavailable:
            DATABASE.record(self._activity, error)

    def worked(self) -> None:
        """End the outage if it has not failed for a moment."""
        if ended := self._ended():
            self._log.info("%s works again after %s.", self._activity, ended)

    def _is_new(self, error: BaseException, kind: str) -> bool:
        """Count a failure; return whether to log it. An empty kind is never logged."""
        with self._lock:
            self._last_failure_at = self._now()
            if not self.count:
                self._began_at = self._last_failure_at
            self.count += 1
            self.error = describe(error)
            is_new = kind != "" and kind not in self._kinds
            if is_new:
                self._kinds.add(kind)
            return is_new

    def _ended(self) -> str:
        """End the outage; return its failures and duration as text, or nothing if it was not logged."""
        if not self.count:  # without the lock: the usual case, a thousand times a second
            return ""
        with self._lock:
            if not self.count or self._now() - self._last_failure_at < self._quiet_sec:
                return ""
            count, seconds, was_logged = self.count, self._now() - self._began_at, bool(self._kinds)
            self._reset()
        failures = "failure" if count == 1 else "failures"
        return f"{count} {failures} in {seconds:.1f} s" if was_logged else ""

    def _reset(self) -> None:
        self.count, self.error = 0, ""
        self._kinds.clear()

    @property
    def duration_sec(self) -> float:
        """Seconds since the outage began; 0.0 without one."""
        with self._lock:
            return self._now() - self._began_at if self.count else 0.0


class DatabaseOutage(Outage):
    """The failures of the database as one process sees them. Only a successful write ends it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.getLogger(__name__), "The database", now)
        self._quiet_sec = DATABASE_QUIET_SEC
        self.process = "this process"  # for log lines, for example "the web process"
        self.is_full = False  # in this outage

    def record(self, activity: str, error: BaseException) -> None:
        """Count a failure of an activity; the first one of an outage is logged."""
        with self._lock:
            if self.count and self._now() - self._last_failure_at > EXPIRES_SEC:
                self._reset()
        disk_full = is_disk_full(error)
        self.is_full = self.is_full or disk_full
        if not self._is_new(error, "full" if disk_full else "away"):
            return
        problem = "The disk of the database is full for" if disk_full else "The database does not answer"
        self._log.warning(
            "%s %s (%s; first met by: %s). Stagent retries; the next line follows when it can write again.",
            problem,
            self.process,
            describe(error),
            activity.rstrip(" .,"),
        )

    def worked(self) -> None:
        """End the outage after a successful write."""
        if ended := self._ended():
            self._log.info("The database works again for %s after %s.", self.process, ended)

    @property
    def is_active(self) -> bool:
        with self._lock:
            return bool(self.count) and self._now() - self._last_failure_at <= EXPIRES_SEC

    def _reset(self) -> None:
        super()._reset()
        self.is_full = False


DATABASE = DatabaseOutage()


class Outages:
    """Outages by activity: created by the first failure, removed when they end."""

    def __init__(self, logger: logging.Logger) -> None:
        self._log = logger
        self._known: dict[str, Outage] = {}

    def failed(self, activity: str, error: BaseException) -> None:
        while activity not in self._known and len(self._known) >= MAX_OUTAGES:
            del self._known[next(iter(self._known))]
        self._known.setdefault(activity, Outage(self._log, activity)).failed(error)

    def worked(self, activity: str) -> None:
        if outage := self._known.get(activity):
            outage.worked()
            if not outage.count:
                del self._known[activity]


class IsolatedSteps:
    """Runs the steps of a pass one by one: an error in one does not stop the others.

    Every error is logged once. While the database is unavailable the remaining steps run for a few seconds
    only, because each may wait as long; `raise_first_error` then lets the caller retry the pass.
    """

    def __init__(self, outages: Outages, retry_sec: float = 5.0) -> None:
        self._outages = outages
        self._until = time.monotonic() + retry_sec
        self._first_error: BaseException | None = None

    @property
    def has_time(self) -> bool:
        return self._first_error is None or time.monotonic() < self._until

    def run[T](self, activity: str, step: Callable[[], T], default: T) -> T:
        """Run a step and return its result; `default` if it failed or was skipped."""
        if not self.has_time:
            return default
        try:
            result = step()
        except UNAVAILABLE as error:
            self._first_error = self._first_error or error
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            return default
        except Exception as error:  # noqa: BLE001 - logged by `failed`
            self._outages.failed(activity, error)
            return default
        self._outages.worked(activity)
        return result

    def raise_first_error(self) -> None:
        """Raise the first error that showed the database, or another server, to be unavailable."""
        if self._first_error is not None:
            raise self._first_error
