"""Status badges and their colours: good, bad, busy, wait or calm."""

from django.utils.safestring import SafeString

from schedules.models import Firing, Run, Schedule
from schedules.states import Outcome, RunStatus, ScheduleStatus
from stagent.lib.web.formatting import badge

OF_SCHEDULE = {ScheduleStatus.ACTIVE: "good", ScheduleStatus.PAUSED: "wait", ScheduleStatus.COMPLETED: "calm"}
OF_RUN = {
    RunStatus.QUEUED: "wait",
    RunStatus.RUNNING: "busy",
    RunStatus.WAITING: "wait",
    RunStatus.COMPLETED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELLED: "calm",
}
UNDER_WAY, DONE, FAILED, STOPPED = "running", "completed", "failed", "cancelled"
OF_FATE = {UNDER_WAY: "busy", DONE: "good", FAILED: "bad", STOPPED: "calm"}


def schedule_badge(schedule: Schedule) -> SafeString:
    return badge(schedule.status, OF_SCHEDULE[ScheduleStatus(schedule.status)], schedule.paused_reason)


def run_badge(run: Run) -> SafeString:
    return badge(run.status, OF_RUN[RunStatus(run.status)], run.failure_reason)


def firing_badge(firing: Firing) -> SafeString:
    told = outcome_badge(firing)
    return badge(told, OF_FATE.get(told, "calm"), firing.reason)


def outcome_badge(firing: Firing) -> str:
    """Return the result of a fired instant's run, or the outcome of one that did not fire."""
    if firing.outcome != Outcome.FIRED:
        return Outcome(firing.outcome).value.replace("_", " ")
    if firing.completed_at is None:
        return UNDER_WAY
    if firing.was_cancelled:
        return STOPPED
    return FAILED if firing.failure_reason else DONE
