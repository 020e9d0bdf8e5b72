"""Whether and when a failed run is retried, by the policies of `agents.failure_policies`.

Failures caused by the provider are retried until the retry horizon, others up to `max_retries` times.
Meanwhile the run is queued, holds no slot and uses no time.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from agents.failure_policies import Retry, policy
from agents.protocol.events import Finished
from agents.states import FailureKind
from schedules.models import Run, Schedule
from schedules.states import Source

FIRST_DELAY_SEC = 5.0  # doubled at each retry
LONGEST_DELAY_SEC = 600.0
SHORTEST_DELAY_SEC = 1.0
USUAL_HORIZON = timedelta(hours=1)  # where there is no period, and for what a person started
SHORTEST_HORIZON = timedelta(seconds=20)


@dataclass(frozen=True)
class Again:
    """The run is retried at this time; `until` bounds retries caused by the provider."""

    not_before: datetime
    kind: FailureKind
    detail: str
    until: datetime | None = None

    @property
    def counted(self) -> bool:
        """Whether it counts towards `max_retries`."""
        return self.until is None


@dataclass(frozen=True)
class NoMore:
    """The run is not retried; `why` explains it if the failure alone does not."""

    why: str = ""


def decide(run: Run, finished: Finished, now: datetime) -> Again | NoMore:
    """Return whether a failed run is retried."""
    if not finished.retryable or finished.failure is None:
        return NoMore()
    if policy(finished.failure).retry == Retry.COUNTED:
        return _counted(run, finished.failure, finished.detail, now)
    until = run.retry_until or now + horizon(run, now)
    asked = timedelta(seconds=finished.retry_after_sec or 0)
    if now >= until:
        return NoMore(f"It was tried {run.provider_retries + 1} times until its retry horizon had passed.")
    if now + asked > until:
        most = _span(until - now if run.retry_until else horizon(run, now))
        return NoMore(f"The provider asks to wait {_span(asked)}; this run can wait {most} at most.")
    at = max(now + asked, min(now + delay(run.schedule, run.provider_retries), until))
    return Again(at, finished.failure, finished.detail, until)


def _counted(run: Run, kind: FailureKind, detail: str, now: datetime) -> Again | NoMore:
    if run.retry_count >= run.max_retries:
        return NoMore(f"It was tried {run.retry_count + 1} times." if run.retry_count else "")
    return Again(now + delay(run.schedule, run.retry_count), kind, detail)


def horizon(run: Run, now: datetime) -> timedelta:
    """Return for how long a run is retried while its provider fails."""
    schedule = run.schedule
    if schedule is not None and schedule.retry_horizon_sec is not None:
        return timedelta(seconds=schedule.retry_horizon_sec)
    period = schedule.recurrence.period(now) if schedule is not None else None
    usual = USUAL_HORIZON if period is None else max(period / 2, SHORTEST_HORIZON)
    return max(usual, USUAL_HORIZON) if run.source in (Source.MANUAL, Source.RETRY) else usual


def delay(schedule: Schedule | None, retries: int) -> timedelta:
    """Return the wait before a retry: doubled each time, with full jitter."""
    first = FIRST_DELAY_SEC if schedule is None else schedule.retry_delay_sec or FIRST_DELAY_SEC
    most = min(first * 2.0 ** min(retries, 20), max(LONGEST_DELAY_SEC, first))
    return timedelta(seconds=max(SHORTEST_DELAY_SEC, random.uniform(0, most)))


def _span(span: timedelta) -> str:
    """Format a duration in one unit: 45 s, 32 min, 3 h."""
    seconds = ceil(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{ceil(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.1f} h".replace(".0 h", " h")
