"""Why a queued run is not running: worked out when somebody asks, so it is never stale."""

from django.db.models import Case, Count, Q, Value, When

from schedules.models import Run
from schedules.situation import Situation
from schedules.states import RunStatus, ScheduleStatus, Source, WaitReason


def reason(run: Run, situation: Situation) -> WaitReason | None:
    """Return what a run waits for, the thing that must change first in front; None when it is not queued."""
    if run.status != RunStatus.QUEUED:
        return None
    by_hand = run.source in (Source.MANUAL, Source.RETRY)
    if run.schedule and run.schedule.status == ScheduleStatus.PAUSED and not by_hand:
        return WaitReason.PAUSED
    if run.not_before and run.not_before > situation.now:
        return WaitReason.RETRY
    if run.profile_id in situation.blocked_profiles:
        return WaitReason.BREAKER
    if situation.budgets.covering(project_id=run.project_id, schedule_id=run.schedule_id):
        return WaitReason.BUDGET
    if situation.chat_presses and not by_hand and run.due_at > situation.now - situation.conf.chat_max_delay:
        return WaitReason.CHAT
    return WaitReason.SLOT


BY_HAND = Q(source__in=(Source.MANUAL, Source.RETRY))


def count(situation: Situation) -> dict[str, int]:
    """Count the queued runs by what `reason` says of each, in one query however long the queue is."""
    spent = situation.budgets
    patient_since = situation.now - situation.conf.chat_max_delay
    cases = [
        When(Q(schedule__status=ScheduleStatus.PAUSED) & ~BY_HAND, then=Value(WaitReason.PAUSED)),
        When(not_before__gt=situation.now, then=Value(WaitReason.RETRY)),
        When(profile_id__in=situation.blocked_profiles, then=Value(WaitReason.BREAKER)),
        When(
            Q(pk__isnull=not spent.install)
            | Q(project_id__in=spent.project_ids)
            | Q(schedule_id__in=spent.schedule_ids),
            then=Value(WaitReason.BUDGET),
        ),
        When(
            Q(pk__isnull=not situation.chat_presses) & ~BY_HAND & Q(due_at__gt=patient_since),
            then=Value(WaitReason.CHAT),
        ),
    ]
    told = Run.objects.queued().order_by().annotate(why=Case(*cases, default=Value(WaitReason.SLOT)))
    counted = dict(told.values_list("why").annotate(Count("pk")))
    return {each: counted.get(each, 0) for each in WaitReason}


SENTENCES = {
    WaitReason.SLOT: "Waiting for a free slot.",
    WaitReason.CHAT: "Waiting for chat: somebody is being answered.",
    WaitReason.RETRY: "Waiting to be tried again.",
    WaitReason.BREAKER: "Waiting for the provider: it refused us or asked for patience.",
    WaitReason.PAUSED: "Waiting because its schedule is paused.",
    WaitReason.BUDGET: "Waiting because the budget is used up.",
}
