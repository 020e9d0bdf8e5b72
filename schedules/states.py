"""The enums and the state machine of schedules; `ARROWS` lists the transitions."""

from django.db import models


class ScheduleKind(models.TextChoices):
    SCHEDULED = "scheduled"
    HEARTBEAT = "heartbeat"  # looks around and may have nothing to report


class ScheduleStatus(models.TextChoices):
    ACTIVE = "active"
    PAUSED = "paused"  # by a person or by itself; `paused_reason` says which and why
    COMPLETED = "completed"  # no instant is left


class OverlapPolicy(models.TextChoices):
    """What a due instant does while an earlier run of its schedule is unfinished."""

    SKIP = "skip"
    QUEUE_ONE = "queue_one"
    ALLOW = "allow"
    CANCEL_RUNNING = "cancel_running"


class MisfirePolicy(models.TextChoices):
    """What happens to instants that were not recorded in time."""

    FIRE_ONCE = "fire_once"
    SKIP = "skip"
    FIRE_ALL = "fire_all"


class FiringKind(models.TextChoices):
    SCHEDULED = "scheduled"
    HEARTBEAT = "heartbeat"
    MANUAL = "manual"


class Outcome(models.TextChoices):
    """The decision when an instant was due."""

    FIRED = "fired"
    COALESCED = "coalesced"
    SKIPPED_OVERLAP = "skipped_overlap"
    SKIPPED_MISFIRE = "skipped_misfire"
    SKIPPED_BUDGET = "skipped_budget"
    SKIPPED_QUIET_HOURS = "skipped_quiet_hours"
    EXPIRED_IN_QUEUE = "expired_in_queue"
    LIMIT_REACHED = "limit_reached"
    MISSED = "missed"  # a one-shot that nothing could start until it expired


class Source(models.TextChoices):
    """What created a run."""

    SCHEDULED = "scheduled"
    HEARTBEAT = "heartbeat"
    MANUAL = "manual"
    RETRY = "retry"  # a person asked again for a run that had ended


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"  # holds a slot under a lease, with a token
    WAITING = "waiting"  # put aside until a person has answered; holds nothing, and its time stands still
    COMPLETED = "completed"
    FAILED = "failed"  # always with a failure_reason
    CANCELLED = "cancelled"


class WaitReason(models.TextChoices):
    """Why a queued run is not running; derived, never stored: see `schedules.capacity.blockers`."""

    STOPPED = "stopped"  # all scheduled work is stopped by the switch
    PAUSED = "paused"
    WORKER = "worker"  # no process is there that would start it
    RETRY = "retry"
    BREAKER = "breaker"  # its provider refused us; one probe at a time may ask again
    PROVIDER = "provider"  # its provider asked for patience
    BUDGET = "budget"
    CHAT = "chat"
    OVERLAP = "overlap"  # an earlier run of its schedule has not ended
    POOL = "pool"  # every slot of its own pool is held
    SLOT = "slot"


BY_HAND = (Source.MANUAL, Source.RETRY)  # a person asked: exempt from switch, pause, chat and overlap

FINISHED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)

# Every arrow of a run and the one function of `schedules.transitions` that walks it.
ARROWS = (
    ("", RunStatus.QUEUED, "enqueue"),
    (RunStatus.QUEUED, RunStatus.RUNNING, "claim"),
    (RunStatus.RUNNING, RunStatus.QUEUED, "requeue"),
    (RunStatus.RUNNING, RunStatus.COMPLETED, "finish"),
    (RunStatus.RUNNING, RunStatus.FAILED, "finish"),
    (RunStatus.RUNNING, RunStatus.CANCELLED, "finish"),
    (RunStatus.RUNNING, RunStatus.WAITING, "park"),
    (RunStatus.WAITING, RunStatus.QUEUED, "unpark"),
    (RunStatus.WAITING, RunStatus.CANCELLED, "withdraw"),
    (RunStatus.QUEUED, RunStatus.CANCELLED, "withdraw"),
    (RunStatus.QUEUED, RunStatus.FAILED, "fail_queued"),
)

# The same for the other rows that have a state; those of a notice follow from its moments.
SCHEDULE_ARROWS = (
    (ScheduleStatus.ACTIVE, ScheduleStatus.PAUSED, "pause"),
    (ScheduleStatus.ACTIVE, ScheduleStatus.PAUSED, "self_pause"),
    (ScheduleStatus.ACTIVE, ScheduleStatus.COMPLETED, "advance"),
    (ScheduleStatus.PAUSED, ScheduleStatus.ACTIVE, "resume"),
    (ScheduleStatus.PAUSED, ScheduleStatus.COMPLETED, "resume"),  # no instant is left
    (ScheduleStatus.PAUSED, ScheduleStatus.ACTIVE, "restore"),
    (ScheduleStatus.PAUSED, ScheduleStatus.COMPLETED, "restore"),
)
DELIVERY_ARROWS = (
    ("pending", "delivered", "settle"),
    ("pending", "failed", "settle"),
    ("pending", "failed", "claim"),  # its last sender vanished
)
NOTICE_ARROWS = (
    ("open", "acknowledged", "acknowledge"),
    ("open", "closed", "acknowledge"),  # of a kind that is over once seen
    ("open", "closed", "close"),
    ("acknowledged", "closed", "close"),
)

# Head starts in the queue. A run's place is its queueing time less its head start, so a lower
# priority is overtaken for this long at most: bounded ageing that an index can order by.
HEAD_START_SEC = {"manual": 1800, "retry": 1200, "scheduled": 600, "backfill": 0}
PRIORITY_STEP_SEC = 30  # of a schedule's own priority, -10..10
