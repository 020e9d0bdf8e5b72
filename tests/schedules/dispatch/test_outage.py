"""A provider that is away pauses nobody: its breaker opens, runs wait, and all goes on when it is back."""

from datetime import datetime, timedelta

import pytest

from agents.models import Provider
from agents.protocol.events import Finished
from agents.runtimes import breaker
from agents.runtimes.failure_classifier import Failure, describe
from agents.states import FailureKind as K
from schedules.dispatch.drain import drain
from schedules.dispatch.reaper import reap
from schedules.dispatch.tick import tick
from schedules.execution import outcome
from schedules.execution.outcome import Worked, record_progress
from schedules.models import Run, Schedule
from schedules.states import RunStatus, ScheduleStatus
from schedules.transitions import Claim
from stagent.lib.processes.process_metrics import RunMetrics
from tests.support.builders import NOON, a_schedule, has_worked, the_situation

pytestmark = pytest.mark.django_db
STEP, MINUTE = timedelta(seconds=10), timedelta(minutes=1)
PROVIDER = "offline"


class Endpoint:
    """How every run that is claimed ends, look by look."""

    def __init__(self, kind: K, retry_after_sec: float | None = None) -> None:
        self.failure: Failure | None = Failure(kind, describe(kind), retry_after_sec)
        self.asked: list[datetime] = []

    def live(self, start: datetime, span: timedelta) -> datetime:
        """Let a scheduler look every ten seconds: reap, tick, drain, and end at once what it claims."""
        now = start
        while now < start + span:
            reap(now)
            tick(the_situation(now))
            for claim in drain(the_situation(now), "worker"):
                self.asked.append(now)
                self._end(claim, now)
            now += STEP
        return now

    def _end(self, claim: Claim, now: datetime) -> None:
        if self.failure is None:
            has_worked(claim, 1, now=now)
            record_progress(claim, Worked(1_000, timedelta(hours=1)))
            breaker.succeeded(PROVIDER)
            outcome.apply(claim, Finished("completed", text="Done."), RunMetrics(), 1_000, now)
            return
        breaker.record_result(PROVIDER, self.failure, now)
        policy = self.failure.policy
        failed = Finished(
            "failed",
            policy.reason,
            self.failure.detail,
            retryable=policy.retryable,
            retry_after_sec=self.failure.retry_after_sec,
            failure=self.failure.kind,
        )
        outcome.apply(claim, failed, RunMetrics(), 0, now)


def three_schedules() -> None:
    for number in range(3):
        a_schedule(name=f"Every minute {number}", interval="every 1m")


@pytest.mark.parametrize("kind", [K.UNREACHABLE, K.OVERLOADED, K.SERVER_ERROR, K.BAD_KEY, K.MODEL_UNKNOWN])
def test_schedules_outlive_an_outage_of_five_minutes_and_go_on_by_themselves(kind: K) -> None:
    three_schedules()
    provider = Endpoint(kind)
    now = provider.live(NOON, 5 * MINUTE)
    assert Run.objects.exclude(status=RunStatus.QUEUED).exists()
    assert set(Schedule.objects.values_list("status", "failure_streak")) == {(ScheduleStatus.ACTIVE, 0)}
    provider.failure = None
    provider.live(now, (2 if kind != K.BAD_KEY else 6) * MINUTE)
    done = Run.objects.filter(status=RunStatus.COMPLETED, finished_at__gte=now)
    assert done.values("schedule").distinct().count() == 3
    assert not Provider.objects.filter(opened_at__isnull=False).exists()


def test_a_provider_that_is_away_is_not_asked_by_everybody_again_and_again() -> None:
    three_schedules()
    provider = Endpoint(K.UNREACHABLE)
    provider.live(NOON, 5 * MINUTE)
    assert 5 <= len(provider.asked) <= 15


def test_an_outage_of_a_minute_costs_a_daily_schedule_nothing() -> None:
    a_schedule(cron="1 12 * * *")
    provider = Endpoint(K.OVERLOADED)
    now = provider.live(NOON, 2 * MINUTE)
    provider.failure = None
    provider.live(now, 3 * MINUTE)
    run = Run.objects.get()
    assert (run.status, run.retry_count, run.provider_retries) == (RunStatus.COMPLETED, 0, 0)
    assert run.worked_ms == 1_000


def test_the_run_that_was_told_to_wait_waits_like_the_others() -> None:
    a_schedule(name="First", cron="0 12 * * *", now=NOON - MINUTE)
    a_schedule(name="Second", cron="1 12 * * *", now=NOON - MINUTE)
    provider = Endpoint(K.RATE_LIMITED, 1900.0)
    now = provider.live(NOON, 2 * MINUTE)
    assert len(provider.asked) == 1
    assert set(Run.objects.values_list("status", flat=True)) == {RunStatus.QUEUED}
    provider.failure = None
    provider.live(now + 30 * MINUTE, 2 * MINUTE)
    assert set(Run.objects.values_list("status", flat=True)) == {RunStatus.COMPLETED}


def test_failures_of_the_schedule_pause_it() -> None:
    schedule = a_schedule(interval="every 1m")
    Endpoint(K.REFUSAL).live(NOON, 4 * MINUTE)
    schedule.refresh_from_db()
    assert (schedule.status, schedule.failure_streak) == (ScheduleStatus.PAUSED, 3)
