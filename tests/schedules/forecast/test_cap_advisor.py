"""The cap advisor shows what a week of firings says, and changes nothing."""

from datetime import timedelta

import pytest

from schedules import conf
from schedules.forecast import cap_advisor
from schedules.forecast.cap_advisor import Advice
from schedules.models import Firing
from schedules.states import FiringKind, Outcome
from tests.support.builders import NOON, a_schedule

pytestmark = pytest.mark.django_db


def a_week(count: int = 40, *, wait_ms: int = 90_000, lag_ms: float = 10.0, days_ago: int = 1) -> None:
    schedule = a_schedule()
    start = NOON - timedelta(days=days_ago)
    Firing.objects.bulk_create(
        Firing(
            schedule=schedule, schedule_name=schedule.name, kind=FiringKind.SCHEDULED, outcome=Outcome.FIRED,
            nominal_at=start + timedelta(minutes=number), due_at=start, slot_claimed_at=start,
            slot_wait_ms=wait_ms, event_loop_lag_ms=lag_ms,
        )
        for number in range(count)
    )  # fmt: skip


def advice(**known: list[float]) -> Advice:
    return cap_advisor.advise(NOON, conf.load(), **known)


def test_runs_that_wait_on_a_machine_with_room_advise_one_more() -> None:
    a_week()
    known = advice(first_tokens_ms=[300.0])
    assert known.may_raise
    assert known.sentence == "The cap may be raised from 2 to 3: runs wait, and the machine has room."


def test_where_nobody_chatted_it_says_that_nothing_is_known_of_the_chat() -> None:
    a_week()
    assert advice().may_raise
    assert advice().sentence.endswith("How the chat would bear it is not known: nobody chatted.")


def test_runs_that_do_not_wait_need_no_more() -> None:
    a_week(wait_ms=500)
    assert not advice().may_raise
    assert advice().sentence == "The cap of 2 is enough: runs hardly wait for a slot."


def test_a_busy_event_loop_forbids_it_and_says_so() -> None:
    a_week(lag_ms=80)
    assert not advice().may_raise
    assert "The event loop is late" in advice().sentence


def test_a_chat_that_is_slow_to_answer_forbids_it() -> None:
    a_week()
    assert advice(first_tokens_ms=[300.0] * 90 + [2500.0] * 10).may_raise is False
    assert advice(first_tokens_ms=[300.0] * 100).may_raise


def test_a_few_firings_or_old_ones_are_no_evidence() -> None:
    a_week(5)
    a_week(40, days_ago=8)
    assert not advice().may_raise
    assert advice().sentence.startswith("Only 5 firings")


def test_the_evidence_is_shown() -> None:
    a_week(lag_ms=12)
    figures = {figure.name: (figure.value, figure.bound, figure.holds) for figure in advice().evidence}
    assert figures == {
        "Chat first token, p99": (None, 2000.0, None),
        "Event-loop lag, p99": (12.0, 50.0, True),
        "Slot wait, p95": (90_000, 60_000.0, True),
    }
