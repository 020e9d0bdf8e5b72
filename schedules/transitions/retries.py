"""Whether a run that failed is tried again, and when: what `agents.failures` says of its failure, in seconds.

What the provider causes is tried again for as long as the retry horizon lasts, however often; anything else
as often as `max_retries` says. Meanwhile the run is in the queue, holds no slot and uses none of its time.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from agents.failures import Retry, policy
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
    """The run is tried again then; `until` bounds retries that the provider causes."""

    not_before: datetime
    kind: FailureKind
    detail: str
    until: datetime | None = None

    @property
    def counted(self) -> bool:
        """Whether it is one of `max_retries`."""
        return self.until is None


@dataclass(frozen=True)
class NoMore:
    """It is not; `why` says so where the failure alone does not."""

    why: str = ""


def decide(run: Run, finished: Finished, now: datetime) -> Again | NoMore:
    """Return whether a run whose engine failed is tried again."""
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
    """Return for how long a run is tried again while its provider is away."""
    schedule = run.schedule
    if schedule is not None and schedule.retry_horizon_sec is not None:
        return timedelta(seconds=schedule.retry_horizon_sec)
    period = schedule.recurrence.period(now) if schedule is not None else None
    usual = USUAL_HORIZON if period is None else max(period / 2, SHORTEST_HORIZON)
    return max(usual, USUAL_HORIZON) if run.source in (Source.MANUAL, Source.RETRY) else usual


def delay(schedule: Schedule | None, retries: int) -> timedelta:
    """Return how long to wait before a retry, after so many: doubled each time, with full jitter."""
    first = FIRST_DELAY_SEC if schedule is None else schedule.retry_delay_sec or FIRST_DELAY_SEC
    most = min(first * 2.0 ** min(retries, 20), max(LONGEST_DELAY_SEC, first))
    return timedelta(seconds=max(SHORTEST_DELAY_SEC, random.uniform(0, most)))


def _span(span: timedelta) -> str:
    """Say a span in the unit that suits it: 45 s, 32 min, 3 h."""
    seconds = ceil(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{ceil(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.1f} h".replace(".0 h", " h")
