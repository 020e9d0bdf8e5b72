"""Deletes finished rows by age, in small steps: on SQLite every writer waits for a delete.

A run is deleted with its transcript, whose many events go first; then settled deliveries, firings without a
run, stream records and unreferenced transcripts. Unfinished runs are kept.
"""

import time
from datetime import datetime, timedelta

from django.db import transaction

from agents import live_streams
from agents.transcripts import transcript
from schedules.models import Delivery, Firing, Notice, Run

ROWS = 500  # of small tables, in one transaction
RUNS = 50
ORPHANS = 5


def prune(now: datetime, days: int, *, seconds: float = 1.0) -> bool:
    """Delete what ended more than `days` ago, for about `seconds`; return whether nothing is left."""
    before, until = now - timedelta(days=days), time.monotonic() + seconds
    for prune_some in SOME:
        while prune_some(before):
            if time.monotonic() >= until:
                return False
    return True


def _prune_runs(before: datetime) -> bool:
    """Delete some events of old runs, or runs without events; return whether there was work."""
    ended = Run.objects.filter(finished_at__lt=before).order_by("finished_at")
    old = dict(ended.values_list("pk", "transcript_id")[:RUNS])
    if old and transcript.delete_events(old.values()):
        with transaction.atomic():
            Run.objects.filter(pk__in=old).delete()
            transcript.discard(old.values())
    return bool(old)


def _prune_deliveries(before: datetime) -> bool:
    # By primary key, which is the order of their making: no index for a look every ten minutes.
    oldest = list(Delivery.objects.order_by("pk").values_list("pk", flat=True)[:ROWS])
    old = Delivery.objects.filter(pk__in=oldest, created_at__lt=before)
    return bool(old.exclude(status=Delivery.Status.PENDING).delete()[0])


def _prune_firings(before: datetime) -> bool:
    old = Firing.objects.filter(nominal_at__lt=before, run=None).exclude(last_nominal_at__gte=before)
    old = old.order_by("nominal_at")
    return bool(Firing.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:ROWS])).delete()[0])


def _prune_transcripts(before: datetime) -> bool:
    return bool(transcript.prune(before, ORPHANS))


def _prune_streams(before: datetime) -> bool:
    return bool(live_streams.prune(before, ROWS))


def _prune_notices(before: datetime) -> bool:
    old = Notice.objects.filter(closed_at__lt=before).values_list("pk", flat=True)[:ROWS]
    return bool(Notice.objects.filter(pk__in=list(old)).delete()[0])


SOME = (
    _prune_runs, _prune_deliveries, _prune_firings, _prune_streams, _prune_transcripts, _prune_notices,
)  # fmt: skip
