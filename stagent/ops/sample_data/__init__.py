"""A realistic large install: a month of schedules and chats.

Rows bypass the services; nothing is due within the next hour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from schedules.monitoring.rollups import rollup
from stagent.ops.sample_data.bulk_copy import without_triggers
from stagent.ops.sample_data.conversations import fill_conversations
from stagent.ops.sample_data.runs import fill_runs
from stagent.ops.sample_data.schedules import schedules


@dataclass(frozen=True)
class Size:
    """How many rows of each."""

    schedules: int
    firings: int
    runs: int
    conversations: int = 0
    messages: int = 0


def fill(size: Size, now: datetime, report: Callable[[str], Any]) -> None:
    """Write everything and report the progress; counters of /metrics start after it."""
    dice = Random(7)
    with without_triggers():
        made = schedules(size.schedules, now, dice)
        report(f"{len(made):,} schedules")
        for done in fill_runs(size.firings, size.runs, made, now, dice):
            report(done)
        if size.conversations:
            fill_conversations(size.conversations, size.messages, now, dice)
            report(f"{size.conversations:,} conversations of {size.messages:,} messages")
    rollup.start(now)
