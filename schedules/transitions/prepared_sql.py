"""The prepared statements of firings, claims and endings.

Each means the same on SQLite and PostgreSQL. The caller owns the transaction and checks the row counts.
"""

from typing import Any

from django.db.models import F, Model
from django.db.models.functions import Coalesce, Greatest

from agents.models import Transcript
from agents.spending import totals
from schedules.models import Firing, Run, Schedule, Slot
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.states import RunStatus
from stagent.lib.db.prepared import Param, Select, Update, UpdateReturning

RUN_ID = Param("run_id", Run.id)
TOKEN = Param("token", Run.token)
NOW: Any = Param("now", Run.finished_at)


def _given(model: type[Model], *columns: str) -> dict[str, Param]:
    """Return parameters for these columns, by column name."""
    return {name: Param(name, model._meta.get_field(name)) for name in columns}


# Is there anything to do?

SOMETHING_DUE = Select(Schedule.objects.due(NOW).order_by().only("pk")[:1])
SOMETHING_QUEUED = Select(Run.objects.queued().order_by().only("pk")[:1])
SOMETHING_UNADOPTED = Select(Run.objects.unadopted().order_by().only("pk")[:1])

# Past an instant.

MOVE_ON = Update(
    Schedule.objects.active().filter(
        pk=Param("schedule_id", Schedule.id),
        next_fire_at=Param("fire_at_as_read", Schedule.next_fire_at),
        updated_at=Param("updated_at_as_read", Schedule.updated_at),
    ),
    **_given(Schedule, "next_nominal_at", "next_fire_at", "next_dst_shifted", "deferred_until"),
    **_given(Schedule, "status", "firing_count", "last_fired_at", "recorded_until"),
)

# Into a slot.

SLOTS_UNDER_THE_CAP = Select(Slot.objects.filter(pool__in=(DEFAULT_POOL, OVERFLOW_POOL)))
SLOTS_OF_POOL = Select(Slot.objects.filter(pool=Param("pool", Slot.pool)))
HOLD = Update(Slot.objects.free().filter(pk=Param("slot_id", Slot.id)), run_id=RUN_ID)

TAKE_RUN = Update(
    Run.objects.queued().filter(pk=RUN_ID, cancel_requested_at=None),
    status=RunStatus.RUNNING,
    token=TOKEN,
    holder=Param("holder", Run.holder),
    slot=Param("slot", Run.slot),
    slot_claimed_at=NOW,
    lease_expires_at=Param("until", Run.lease_expires_at),
    started_at=Coalesce("started_at", NOW),
    deadline_at=Param("deadline", Run.deadline_at),
    attempt=F("attempt") + 1,
    not_before=None,
)

MEASURE_START = Update(
    Firing.objects.filter(pk=Param("firing_id", Firing.id)),
    slot_claimed_at=NOW,
    **_given(Firing, "slot_wait_ms", "chat_streams_active", "concurrent_runs"),
)

SET_WRITER = Update(Transcript.objects.filter(pk=Param("transcript_id", Transcript.id)), writer_token=TOKEN)

# Out of it.

STREAKS = (
    "last_turn_count", "avg_turns_per_firing", "avg_duration_ms", "failure_streak",
    "avg_is_lower_bound", "turn_budget_breach_streak", "slow_streak", "last_failure_reason",
    "suppression_count",
)  # fmt: skip
TARGETS = ("owner", "deliver_to_chat", "webhook_url", "email")

# What an ending asks of its schedule; what only a pause or a grace asks beside it is read when they do.
SCHEDULE_OF_RUN = Select(
    Schedule.objects.filter(runs=RUN_ID)
    .only(*STREAKS, *TARGETS, "name", "status", "timezone", "max_turns_set_at")
    .order_by()
    .select_for_update(of=("self",), no_key=True)
)

# Fences off who has lost the lease, and whoever else wants to write this run waits.
LOCK_RUN = Select(
    Run.objects.running()
    .filter(pk=RUN_ID, token=TOKEN)
    .only("transcript", "claim_order", "queued_at", "priority")
    .order_by()
    .select_for_update(of=("self",), no_key=True)
)

NOT_ASKED_OF_AN_END = (
    "requested_by", "idempotency_key", "pool", "priority", "due_at", "claim_order", "not_before",
    "expires_at", "slot_claimed_at", "max_turns", "max_cost_usd", "provider_retries", "retry_until",
    "retry_kind", "retry_detail",
)  # fmt: skip


def _or_as_it_was(column: Any) -> Coalesce:
    """Write a parameter, or keep the stored value if it is null."""
    return Coalesce(Param(column.field.name, column), column.field.name)


END = UpdateReturning(
    Run.objects.running().filter(pk=RUN_ID, token=TOKEN),
    defer=NOT_ASKED_OF_AN_END,
    **_given(Run, "status", "failure_reason", "failure_kind", "failure_detail"),
    **_given(Run, "result", "result_partial", "report"),
    worked_ms=_or_as_it_was(Run.worked_ms),
    finished_at=NOW,
    token=None,
    slot="",
    lease_expires_at=None,
    **totals.run_totals(),
)

RELEASE_SLOTS = Update(Slot.objects.filter(run_id=RUN_ID), run=None)


def _highest(column: Any) -> Greatest:
    """Keep the higher of the stored value and the parameter; either may be null."""
    name = column.field.name
    new = Param(name, column)
    return Greatest(Coalesce(new, name), Coalesce(name, new))


MEASURE_END = Update(
    Firing.objects.filter(pk=Param("firing_id", Firing.id)),
    completed_at=NOW,
    event_loop_lag_ms=_highest(Firing.event_loop_lag_ms),
    peak_rss_mb=_highest(Firing.peak_rss_mb),
    **_given(
        Firing, "duration_ms", "turn_count", "input_tokens", "output_tokens", "cost_usd", "failure_reason"
    ),
)

SAVE_STREAKS = Update(
    Schedule.objects.filter(pk=Param("schedule_id", Schedule.id)), **_given(Schedule, *STREAKS)
)
