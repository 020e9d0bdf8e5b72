"""Every pair of states that is no arrow is tried and refused: runs, schedules, deliveries and notices."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from agents.models import Approval, Event, LedgerEntry, Transcript
from agents.states import ApprovalStatus, FailureKind
from schedules import conf
from schedules.capacity import conditions
from schedules.deliveries import sender
from schedules.dispatch.tick import tick
from schedules.models import Delivery, Firing, Notice, Run, Schedule, Slot
from schedules.models.spending import spender
from schedules.monitoring import notices
from schedules.states import (
    ARROWS,
    DELIVERY_ARROWS,
    FINISHED,
    NOTICE_ARROWS,
    SCHEDULE_ARROWS,
    RunStatus,
    ScheduleStatus,
)
from schedules.transitions import (
    Claim,
    Ending,
    adopt,
    claim,
    fail_queued,
    finish,
    forgive,
    park,
    pause,
    progress,
    record_work,
    renew,
    request_cancel,
    requeue,
    restore,
    resume,
    streaks,
    unpark,
    withdraw,
)
from tests.support.arrows import attempt, picture, targets
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, an_approval

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)
TTL = timedelta(seconds=60)

type Held = tuple[Run, Claim]


# Runs.


def _queued() -> Held:
    """One that has run before, so that somebody still has a token of it."""
    run, held = a_running_run()
    requeue(run.pk, held.token, now=NOON)
    return run, held


def _asking() -> Held:
    run, held = a_running_run()
    an_approval(held, spender(run))
    return run, held


def _waiting(answered: bool) -> Held:
    run, held = _asking()
    park(run.pk, held.token, now=NOON)
    if answered:  # and the word of it got lost
        Approval.objects.update(status=ApprovalStatus.ALLOWED, answered_at=NOON)
    return run, held


def _ended(status: RunStatus) -> Held:
    run, held = a_running_run()
    kind = FailureKind.UNEXPECTED if status == RunStatus.FAILED else None
    finish(run.pk, held.token, Ending(status, kind=kind), now=NOON)
    return run, held


STATES: dict[str, Callable[[], Held]] = {
    "queued": _queued,
    "running": a_running_run,
    "running, asking": _asking,
    "waiting": partial(_waiting, answered=False),
    "waiting, answered": partial(_waiting, answered=True),
    **{status: partial(_ended, status) for status in FINISHED},
}


def _finish(status: RunStatus, run: Run, token: UUID) -> None:
    finish(run.pk, token, Ending(status, kind=FailureKind.UNEXPECTED), now=LATER)


# By name and, where it is told, where to: what anybody may do with a run.
ACTS: dict[tuple[str, str], Callable[[Run, UUID], object]] = {
    ("claim", ""): lambda run, _: claim(run, holder="another", now=LATER, conf=conf.load()),
    ("requeue", ""): lambda run, token: requeue(run.pk, token, now=LATER),
    ("park", ""): lambda run, token: park(run.pk, token, now=LATER),
    ("unpark", ""): lambda run, _: unpark(run.pk, now=LATER),
    ("withdraw", ""): lambda run, _: withdraw(run.pk, now=LATER, reason="Not wanted."),
    ("fail_queued", ""): lambda run, _: fail_queued(
        run.pk, now=LATER, kind=FailureKind.UNREACHABLE, detail=""
    ),
    **{("finish", status): partial(_finish, status) for status in RunStatus},
}
# And what leaves its state alone.
HOLDS: dict[str, Callable[[Run, UUID], object]] = {
    "adopt": lambda run, _: adopt(run, holder="another", now=LATER, conf=conf.load()),
    "renew": lambda _, token: renew([token], LATER, TTL),
    "progress": lambda run, token: progress(run.pk, token),
    "note_work": lambda run, token: record_work(run.pk, token, worked_ms=9, deadline_at=LATER),
    "request_cancel": lambda run, _: request_cancel(run.pk, reason="Not wanted.", now=LATER),
}
KEPT = (Run, Slot, Transcript, Event, Approval, LedgerEntry, Firing, Delivery)


def expected(state: str, name: str, wanted: str) -> set[str]:
    before = state.partition(",")[0]
    if (state, name) == ("waiting", "unpark"):
        return set()  # nobody has answered yet
    ends = targets(ARROWS, before, name, wanted)
    if (state, name) == ("running", "park"):
        return targets(ARROWS, "waiting", "unpark")  # there is nothing to wait for: both arrows at once
    return ends


@pytest.mark.parametrize("act", ACTS, ids=lambda act: " to ".join(filter(None, act)))
@pytest.mark.parametrize("state", STATES)
def test_a_run_takes_its_arrows_and_no_other_way(state: str, act: tuple[str, str]) -> None:
    run, held = STATES[state]()
    run = Run.objects.get(pk=run.pk)
    before = picture(*KEPT)
    attempt(lambda: ACTS[act](run, held.token))
    if ends := expected(state, *act):
        assert Run.objects.get(pk=run.pk).status in ends
    else:
        assert picture(*KEPT) == before


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("state", STATES)
def test_what_holds_a_run_leaves_its_state_alone(state: str, name: str) -> None:
    run, held = STATES[state]()
    run = Run.objects.get(pk=run.pk)
    before = picture(*KEPT)
    attempt(lambda: HOLDS[name](run, held.token))
    assert Run.objects.get(pk=run.pk).status == run.status
    assert run.status == RunStatus.RUNNING or picture(*KEPT) == before


def test_every_arrow_of_a_run_begins_in_a_state_that_is_tried() -> None:
    tried = {(state.partition(",")[0], name) for state in STATES for name, _ in ACTS}
    assert {(begin, name) for begin, _, name in ARROWS if begin} <= tried
    assert set(STATES) >= set(RunStatus)


# Schedules.


def a_schedule_that_is(status: str, *, over: bool = False) -> Schedule:
    schedule = a_schedule(at=NOON + timedelta(seconds=1)) if over else a_schedule()
    if status != ScheduleStatus.ACTIVE:
        pause(schedule.pk, now=NOON)
    if status == ScheduleStatus.COMPLETED:
        restore(schedule.pk, status, reason="", now=NOON)
    schedule.refresh_from_db()
    return schedule


def _self_pause(schedule: Schedule, now: datetime) -> None:
    for _ in range(streaks.PAUSE_AFTER_FAILURES):
        run = a_queued_run(schedule, now)
        held = claim(run, holder="worker", now=now, conf=conf.load())
        finish(run.pk, held.token, Ending(RunStatus.FAILED, kind=FailureKind.EMPTY_ANSWER), now=now)


def _tick(schedule: Schedule, now: datetime) -> None:
    tick(conditions.load(now, conf.load()))


OF_SCHEDULES: dict[tuple[str, str], Callable[[Schedule, datetime], object]] = {
    ("pause", ""): lambda schedule, now: pause(schedule.pk, now=now),
    ("resume", ""): lambda schedule, now: resume(schedule.pk, now=now),
    ("self_pause", ""): _self_pause,
    ("advance", ""): _tick,
    ("forgive", ""): lambda schedule, _: forgive(schedule.pk),
    **{
        ("restore", status): lambda schedule, now, to=status: restore(schedule.pk, to, reason="", now=now)
        for status in (ScheduleStatus.ACTIVE, ScheduleStatus.COMPLETED)
    },
}


@pytest.mark.parametrize("over", [False, True], ids=["a rhythm", "once"])
@pytest.mark.parametrize("act", OF_SCHEDULES, ids=lambda act: " to ".join(filter(None, act)))
@pytest.mark.parametrize("status", ScheduleStatus.values)
def test_a_schedule_takes_its_arrows_and_no_other_way(status: str, act: tuple[str, str], over: bool) -> None:
    schedule = a_schedule_that_is(status, over=over)
    attempt(lambda: OF_SCHEDULES[act](schedule, NOON + timedelta(seconds=2)))
    name, wanted = act
    ends = targets(SCHEDULE_ARROWS, status, name, wanted)
    if name == "advance" and not over:
        ends = set()  # more instants are to come
    assert Schedule.objects.get(pk=schedule.pk).status in (ends or {status})


# Deliveries.


def a_delivery_that_is(status: str, attempts: int) -> Delivery:
    return Delivery.objects.create(
        schedule=a_schedule(), kind="warning", channel="webhook", target="https://x", status=status,
        attempts=attempts, created_at=NOON, next_attempt_at=NOON,
    )  # fmt: skip


OF_DELIVERIES: dict[tuple[str, str], Callable[[Delivery], object]] = {
    ("claim", ""): lambda delivery: sender.claim(delivery, LATER),
    ("settle", "delivered"): lambda delivery: sender.record_outcome(delivery, sender.SENT, LATER),
    ("settle", "failed"): lambda delivery: sender.record_outcome(delivery, "It answered 500.", LATER),
}


@pytest.mark.parametrize("last", [False, True], ids=["an attempt", "the last attempt"])
@pytest.mark.parametrize("act", OF_DELIVERIES, ids=lambda act: " to ".join(filter(None, act)))
@pytest.mark.parametrize("status", Delivery.Status.values)
def test_a_delivery_takes_its_arrows_and_no_other_way(status: str, act: tuple[str, str], last: bool) -> None:
    delivery = a_delivery_that_is(status, sender.MOST_ATTEMPTS if last else 1)
    before = picture(Delivery)
    OF_DELIVERIES[act](delivery)
    ends = targets(DELIVERY_ARROWS, status, *act)
    if not last and act != ("settle", "delivered"):
        ends = {status} if ends else set()  # it is tried again
    if ends:
        assert Delivery.objects.get().status in ends
    else:
        assert picture(Delivery) == before


@pytest.mark.parametrize("act", OF_DELIVERIES, ids=lambda act: " to ".join(filter(None, act)))
def test_a_delivery_that_somebody_else_has_claimed_since_is_left_alone(act: tuple[str, str]) -> None:
    delivery = a_delivery_that_is("pending", 1)
    Delivery.objects.update(attempts=F("attempts") + 1)
    before = picture(Delivery)
    OF_DELIVERIES[act](delivery)
    assert picture(Delivery) == before


# Notices.


def state_of(notice: Notice) -> str:
    notice.refresh_from_db()
    return "closed" if notice.closed_at else "acknowledged" if notice.acknowledged_at else "open"


OF_NOTICES: dict[str, Callable[[Notice, User], object]] = {
    "acknowledge": lambda notice, user: notices.acknowledge(notice.pk, user, LATER),
    "close": lambda notice, _: notices.close(notice.cause, LATER),
}


@pytest.mark.parametrize("kind", Notice.Kind)
@pytest.mark.parametrize("name", OF_NOTICES)
@pytest.mark.parametrize("state", ["open", "acknowledged", "closed"])
def test_a_notice_takes_its_arrows_and_no_other_way(
    alice: User, state: str, name: str, kind: Notice.Kind
) -> None:
    notice = Notice.objects.create(cause="c", kind=kind, text="t", first_at=NOON, last_at=NOON)
    if state != "open":
        Notice.objects.update(acknowledged_at=NOON, closed_at=NOON if state == "closed" else None)
    before = picture(Notice)
    OF_NOTICES[name](notice, alice)
    ends = targets(NOTICE_ARROWS, state, name)
    if len(ends) > 1:
        ends = {"closed" if kind in notices.OVER_ONCE_SEEN else "acknowledged"}
    if ends:
        assert state_of(notice) in ends
    else:
        assert picture(Notice) == before
