"""Status badges and their colours: good, bad, busy, wait or calm."""

from django.utils.safestring import SafeString

from schedules.models import Firing, Run, Schedule
from schedules.states import Outcome, RunStatus, ScheduleStatus
from stagent.lib.web.formatting import badge

SCHEDULE_TONES = {
    ScheduleStatus.ACTIVE: "good",
    ScheduleStatus.PAUSED: "wait",
    ScheduleStatus.COMPLETED: "calm",
}
RUN_TONES = {
    RunStatus.QUEUED: "wait",
    RunStatus.RUNNING: "busy",
    RunStatus.WAITING: "wait",
    RunStatus.COMPLETED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELLED: "calm",
}
RUNNING, COMPLETED, FAILED, CANCELLED = "running", "completed", "failed", "cancelled"
RESULT_TONES = {RUNNING: "busy", COMPLETED: "good", FAILED: "bad", CANCELLED: "calm"}


def schedule_badge(schedule: Schedule) -> SafeString:
    return badge(schedule.status, SCHEDULE_TONES[ScheduleStatus(schedule.status)], schedule.paused_reason)


def run_badge(run: Run) -> SafeString:
    return badge(run.status, RUN_TONES[RunStatus(run.status)], run.failure_reason)


def firing_badge(firing: Firing) -> SafeString:
    result = firing_result(firing)
    return badge(result, RESULT_TONES.get(result, "calm"), firing.reason)


def firing_result(firing: Firing) -> str:
    """Return the result of a fired instant's run, or the outcome of one that did not fire."""
    if firing.outcome != Outcome.FIRED:
        return Outcome(firing.outcome).value.replace("_", " ")
    if firing.completed_at is None:
        return RUNNING
    if firing.was_cancelled:
        return CANCELLED
    return FAILED if firing.failure_reason else COMPLETED
