"""Pruning by age, in batches, for nobody should wait for a big delete: firings, runs, transcripts."""

import time
from datetime import datetime, timedelta

from agents.models import Transcript
from schedules.models import Firing, Run
from schedules.states import FINISHED

BATCH = 500


def prune(now: datetime, days: int, *, seconds: float = 1.0) -> bool:
    """Delete what ended more than `days` ago, for about `seconds`; tell whether nothing is left to delete."""
    before, until = now - timedelta(days=days), time.monotonic() + seconds
    while time.monotonic() < until:
        if not _prune_runs(before) and not _prune_firings(before):
            return True
    return False


def _prune_runs(before: datetime) -> int:
    old = list(
        Run.objects.filter(status__in=FINISHED, finished_at__lt=before).values_list("pk", "transcript_id")[
            :BATCH
        ]
    )
    Run.objects.filter(pk__in=[run for run, _ in old]).delete()
    transcripts = [transcript for _, transcript in old]
    Transcript.objects.filter(pk__in=transcripts).delete()
    return len(old)


def _prune_firings(before: datetime) -> int:
    old = Firing.objects.filter(nominal_at__lt=before, run=None).values_list("pk", flat=True)[:BATCH]
    return Firing.objects.filter(pk__in=list(old)).delete()[0]
