"""Trouble that is tried again until it is over: one line when it begins, one when it ends, none between.

Used by whatever retries: database calls, the phases of a loop, lease renewals, deliveries, the tails of the
chat. A trouble that comes and goes several times a second is one trouble. A database that is away or full is
one trouble of the whole process, however many activities meet it.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection

from stagent.lib.database_errors import AWAY, describe, is_away, is_full

SETTLED_SEC = 1.0  # without a failure, before a success ends the outage
DATABASE_SETTLED_SEC = 5.0
FORGOTTEN_SEC = 60.0  # after so long without a failure the next one begins an outage anew
MOST_NAMED = 1000

__all__ = ["AWAY", "DATABASE", "Outage", "Outages", "Parts", "describe"]


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
        self._kinds: set[str] = set()  # logged already in this outage
        self._began_at = self._failed_at = 0.0
        self._settled_sec = SETTLED_SEC
        self.count = 0  # failures in this outage; 0: it works
        self.error = ""  # the last one

    def failed(self, error: BaseException) -> None:
        """Count a failure; the first of its kind in an outage is logged."""
        away = is_away(error)
        if self._is_new(error, "" if away else type(error).__name__):
            trace = None if isinstance(error, AWAY) else error
            self._log.warning(
                "%s failed (%s). Stagent retries; the next line follows when it works again.",
                self._activity,
                describe(error),
                exc_info=trace,
            )
        if away:
            DATABASE.met(self._activity, error)

    def worked(self) -> None:
        """End the outage, where there is one and it has not failed for a moment."""
        if ended := self._ended():
            self._log.info("%s works again after %s.", self._activity, ended)

    def _is_new(self, error: BaseException, kind: str) -> bool:
        """Count a failure; tell whether a line is due. An empty kind never has one."""
        with self._lock:
            self._failed_at = self._now()
            if not self.count:
                self._began_at = self._failed_at
            self.count += 1
            self.error = describe(error)
            is_new = kind != "" and kind not in self._kinds
            if is_new:
                self._kinds.add(kind)
            return is_new

    def _ended(self) -> str:
        """End the outage; return how many failures it had where it was told of, else nothing."""
        if not self.count:  # without the lock: the ordinary case, a thousand times a second
            return ""
        with self._lock:
            if not self.count or self._now() - self._failed_at < self._settled_sec:
                return ""
            count, lasted, told = self.count, self._now() - self._began_at, bool(self._kinds)
            self._forget()
        failures = "failure" if count == 1 else "failures"
        return f"{count} {failures} in {lasted:.1f} s" if told else ""

    def _forget(self) -> None:
        self.count, self.error = 0, ""
        self._kinds.clear()

    @property
    def lasts_sec(self) -> float:
        """How long it has failed, in seconds; 0.0 where it works."""
        with self._lock:
            return self._now() - self._began_at if self.count else 0.0


class DatabaseOutage(Outage):
    """The failures of the database as one process meets them. Only a write that succeeded ends it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.getLogger(__name__), "The database", now)
        self._settled_sec = DATABASE_SETTLED_SEC
        self.process = "this process"  # for people, for example "the web process"
        self.is_full = False  # whether it has said that its disk is, in this outage

    def met(self, activity: str, error: BaseException) -> None:
        """Count a failure that an activity has met; the first one in an outage is logged."""
        with self._lock:
            if self.count and self._now() - self._failed_at > FORGOTTEN_SEC:
                self._forget()
        full = is_full(error)
        self.is_full = self.is_full or full
        if not self._is_new(error, "full" if full else "away"):
            return
        what = "The disk of the database is full for" if full else "The database does not answer"
        self._log.warning(
            "%s %s (%s; first met by: %s). Stagent retries; the next line follows when it can write again.",
            what,
            self.process,
            describe(error),
            activity.rstrip(" .,"),
        )

    def worked(self) -> None:
        """Report a write that succeeded."""
        if ended := self._ended():
            self._log.info("The database works again for %s after %s.", self.process, ended)

    @property
    def is_on(self) -> bool:
        with self._lock:
            return bool(self.count) and self._now() - self._failed_at <= FORGOTTEN_SEC

    def _forget(self) -> None:
        super()._forget()
        self.is_full = False


DATABASE = DatabaseOutage()


class Outages:
    """Outages by the name of their activity: made by a first failure, forgotten when they are over."""

    def __init__(self, logger: logging.Logger) -> None:
        self._log = logger
        self._known: dict[str, Outage] = {}

    def failed(self, activity: str, error: BaseException) -> None:
        while activity not in self._known and len(self._known) >= MOST_NAMED:
            del self._known[next(iter(self._known))]
        self._known.setdefault(activity, Outage(self._log, activity)).failed(error)

    def worked(self, activity: str) -> None:
        if outage := self._known.get(activity):
            outage.worked()
            if not outage.count:
                del self._known[activity]


class Parts:
    """Parts of a pass, each done on its own: an error in one keeps the others from nothing.

    Every error is told once. Where the database may be away the others are tried for a few seconds only, for
    each could wait as long; `end` raises its first error, for whoever tries the pass again.
    """

    def __init__(self, outages: Outages, patience_sec: float = 5.0) -> None:
        self._outages = outages
        self._until = time.monotonic() + patience_sec
        self._away: BaseException | None = None

    @property
    def goes_on(self) -> bool:
        return self._away is None or time.monotonic() < self._until

    def do[T](self, activity: str, part: Callable[[], T], default: T) -> T:
        """Do a part and return what it returns; `default` where it failed, or is not tried any more."""
        if not self.goes_on:
            return default
        try:
            done = part()
        except AWAY as error:
            self._away = self._away or error
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            return default
        except Exception as error:  # noqa: BLE001 - told by `failed`
            self._outages.failed(activity, error)
            return default
        self._outages.worked(activity)
        return done

    def end(self) -> None:
        """Raise what says that the database, or another server, was away."""
        if self._away is not None:
            raise self._away
