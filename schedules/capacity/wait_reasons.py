"""Why a queued run is not running; computed from the blockers on reading, so it is never stale."""

from django.db.models import Case, Count, Value, When

from schedules.capacity import blockers
from schedules.capacity.blockers import Moments
from schedules.capacity.conditions import StartConditions
from schedules.models import Run
from schedules.states import RunStatus, WaitReason


def reason(run: Run, situation: StartConditions) -> WaitReason | None:
    """Return what a run waits for; None if it is not queued or is being cancelled."""
    if run.status != RunStatus.QUEUED or run.cancel_requested_at:
        return None
    if blocker := blockers.blocker(run, situation):
        return blocker.reason
    needs_two = run.pool and not run.forced
    return WaitReason.POOL if needs_two and run.pool in situation.full_pools else WaitReason.SLOT


def count(situation: StartConditions) -> dict[WaitReason, int]:
    """Count the queued runs by wait reason, in one query."""
    at = Moments(situation.now, situation.chat_exempt_since)
    held = [
        *blockers.conditions(situation.facts, at),
        (WaitReason.POOL, blockers.in_pool(situation.full_pools)),
    ]
    cases = [When(condition, then=Value(why)) for why, condition in held]
    queued = Run.objects.queued().filter(cancel_requested_at=None).order_by()
    annotated = queued.annotate(why=Case(*cases, default=Value(WaitReason.SLOT)))
    counted = dict(annotated.values_list("why").annotate(Count("pk")))
    return {each: counted.get(each, 0) for each in WaitReason}


def sentence(run: Run, why: WaitReason, situation: StartConditions) -> str:
    """Describe what a run waits for, and which one of its kind if known."""
    pool = f"the pool {run.pool}" if run.pool else ""
    match why:
        case WaitReason.WORKER if not situation.nobody_starts:
            return f"Waiting for a worker of {pool}." if pool else "Waiting for a worker."
        case WaitReason.OVERLAP if run.schedule_id in situation.parked_schedules:
            return "Waiting for an earlier run of its own schedule, which waits for a person."
        case WaitReason.POOL:
            return f"Waiting for a free slot of {pool}."
        case WaitReason.BUDGET:
            spent = situation.budgets.reason_for(project_id=run.project_id, schedule_id=run.schedule_id)
            return f"Waiting for the next budget window. {spent}"
        case _:
            return blockers.SENTENCES[why]
