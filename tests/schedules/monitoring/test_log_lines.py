"""Everything announced is said once, with the ids to look it up by."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from agents.states import FailureReason
from schedules.models import Run
from schedules.monitoring import log_lines
from schedules.signals import announce, schedule_warned
from schedules.states import RunStatus
from schedules.transitions import Ending, finish
from tests.support.builders import NOON, a_running_run, a_schedule, a_waiting_run, has_worked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="schedules.monitoring.log_lines")
    return caplog


def lines(said: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    ours = [record for record in said.records if record.name == "schedules.monitoring.log_lines"]
    return [(record.levelname, record.getMessage()) for record in ours]


def end(schedule: Any, status: RunStatus, **how: Any) -> Run:
    run, claim = a_running_run(schedule)
    has_worked(claim, 3)
    return finish(
        run.pk, claim.token, Ending(status, worked_ms=12_500, **how), now=NOON + timedelta(minutes=1)
    )


def test_an_end_is_one_line(said, django_capture_on_commit_callbacks):
    schedule = a_schedule()
    log_lines.connect()  # a second time: still one line
    with django_capture_on_commit_callbacks(execute=True):
        run = end(schedule, RunStatus.COMPLETED)
    whose = f"Run {run.pk} of schedule {schedule.pk} (Nightly report)"
    assert lines(said) == [("INFO", f"{whose} completed: attempt 1, 3 steps, 12.5 s, $0.0000.")]


def test_a_failure_warns_and_says_why(said, django_capture_on_commit_callbacks):
    schedule = a_schedule()
    with django_capture_on_commit_callbacks(execute=True):
        end(schedule, RunStatus.FAILED, reason=FailureReason.TOOL_ERROR, detail="No such file.")
    ((level, line),) = lines(said)
    assert level == "WARNING"
    assert "failed, tool_error, No such file: attempt 1" in line


def test_a_self_pause_is_said_beside_the_failure_that_led_to_it(said, django_capture_on_commit_callbacks):
    schedule = a_schedule()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            end(schedule, RunStatus.FAILED, reason=FailureReason.TOOL_ERROR)
    pauses = [
        line for _, line in lines(said) if line.startswith(f"Schedule {schedule.pk} (Nightly report): ")
    ]
    assert len(pauses) == 1
    assert "Paused itself: 3 failures in a row" in pauses[0]


def test_a_warning_is_said(said, django_capture_on_commit_callbacks):
    schedule = a_schedule()
    with django_capture_on_commit_callbacks(execute=True):
        announce(schedule_warned, schedule=schedule, text="Raise the limit.")
    assert lines(said) == [("WARNING", f"Schedule {schedule.pk} (Nightly report): Raise the limit.")]


def test_a_question_is_said_on_one_line_with_its_ids(said, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        run, approval = a_waiting_run()
    assert lines(said) == [
        ("INFO", f"Run {run.pk} asks a person (question {approval.pk}): Send it to a@b.c?")
    ]


def test_what_was_rolled_back_is_not_said(said, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=False):
        announce(schedule_warned, schedule=a_schedule(), text="Never mind.")
    assert lines(said) == []


def test_a_run_whose_schedule_is_gone_can_still_be_told(said, django_capture_on_commit_callbacks):
    schedule = a_schedule()
    run, claim = a_running_run(schedule)
    Run.objects.filter(pk=run.pk).update(schedule=None)
    with django_capture_on_commit_callbacks(execute=True):
        finish(run.pk, claim.token, Ending(RunStatus.COMPLETED), now=NOON)
    ((_, line),) = lines(said)
    assert "of a deleted schedule (Nightly report) completed" in line
