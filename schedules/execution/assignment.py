"""Builds the engine's assignment from a claimed run."""

from contextlib import suppress
from datetime import timedelta
from zoneinfo import ZoneInfo

from agents.approvals import standing
from agents.engine import runner
from agents.engine.limits import Limits
from agents.engine.runner import Assignment
from agents.engine.work_time import WorkTime
from agents.errors import BudgetExceeded, LeaseLost
from agents.models.profile import workspace_of
from agents.protocol.shared_texts import RECURRING_CHECK, SCHEDULED_FOR
from schedules.conf import Conf
from schedules.models import Run
from schedules.models.spending import spender
from schedules.states import Source
from schedules.transitions import Claim
from stagent.lib.db.prepared import Param, Select

HEARTBEAT_NOTE = (
    f"{RECURRING_CHECK} When you have looked, call the tool `report`: changed=false when there is "
    "nothing a person needs to know (then nothing is delivered), else changed=true, a severity and a body."
)

CLAIMED = Select(
    Run.objects.select_related("profile", "project", "schedule", "firing", "transcript").filter(
        pk=Param("pk", Run.id), token=Param("token", Run.token)
    )
)


def build(claim: Claim, conf: Conf) -> tuple[Assignment, timedelta]:
    """Return the assignment and the run's working time limit. Raises `LeaseLost` if the claim is not
    valid.
    """
    run = CLAIMED.first(pk=claim.run_id, token=claim.token)
    if run is None:
        raise LeaseLost(f"run {claim.run_id}")
    assignment = Assignment(
        profile=run.profile,
        prompt=run.prompt,
        limits=limits(run, conf),
        workspace=workspace_of(run.project),
        spender=spender(run),
        transcript_id=claim.transcript_id,
        token=claim.token,
        turns_used=run.turn_count,
        cost_used=run.cost_usd,
        extra_system=HEARTBEAT_NOTE if run.source == Source.HEARTBEAT else "",
        clock=_clock(run),
        scope=standing.schedule_scope(run.schedule_id),
        can_request_approval=True,
        work_time=WorkTime(run.worked_ms),
        is_first_attempt=run.transcript.last_seq == 0,  # nobody else may write there any more
    )
    with suppress(BudgetExceeded):  # the engine finds that, too, and ends the run as it should
        assignment = runner.with_allowance(assignment)
    return assignment, run.time_limit(conf.max_run_duration_sec)


def limits(run: Run, conf: Conf) -> Limits:
    """Return the run's own limits, else its profile's, else the global ones."""
    return Limits(
        max_turns=run.max_turns or run.profile.max_turns or conf.default_max_turns,
        max_cost_usd=run.max_cost_usd if run.max_cost_usd is not None else run.profile.max_cost_usd,
    )


def _clock(run: Run) -> str:
    """Return the current instant in the schedule's zone; it is last in a request, for prompt caching."""
    zone = ZoneInfo(run.schedule.timezone if run.schedule else "UTC")
    nominal = (run.firing.nominal_at if run.firing else run.queued_at).astimezone(zone)
    return f"{SCHEDULED_FOR} {nominal:%A, %Y-%m-%d %H:%M} ({zone.key})."
