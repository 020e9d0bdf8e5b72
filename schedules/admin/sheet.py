"""Firings as lines of CSV, one by one, so that a long history needs no memory."""

import csv
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
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet run a cell


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def lines(firings: QuerySet[Firing]) -> Iterator[str]:
    """Yield the heading, then a line for each firing."""
    writer = csv.writer(_Echo())
    yield writer.writerow(["run_id" if name == "run" else name for name in COLUMNS])
    for row in firings.values_list(*(F("run__pk") if name == "run" else name for name in COLUMNS)).iterator():
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
