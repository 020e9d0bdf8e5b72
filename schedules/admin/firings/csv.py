"""Firings as CSV rows."""

from collections.abc import Iterator

from django.db.models import F, QuerySet

from schedules.models import Firing

COLUMNS = (
    "id", "schedule_id", "schedule_name", "run", "kind", "nominal_at", "due_at", "fired_at",
    "slot_claimed_at", "completed_at", "outcome", "reason", "count", "dst_shifted", "slot_wait_ms",
    "deferral_ms", "duration_ms", "turn_count", "max_turns_at_firing", "input_tokens", "output_tokens",
    "cost_usd", "event_loop_lag_ms", "peak_rss_mb", "chat_streams_active", "concurrent_runs",
    "failure_reason",
)  # fmt: skip
HEADING = ["run_id" if name == "run" else name for name in COLUMNS]


def lines(firings: QuerySet[Firing]) -> Iterator[tuple[object, ...]]:
    return firings.values_list(*(F("run__pk") if name == "run" else name for name in COLUMNS)).iterator()
