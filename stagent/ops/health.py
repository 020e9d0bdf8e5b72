"""`/healthz` checks the process, `/readyz` what it needs.

Strangers learn only which part is not ready.
"""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from schedules import cluster_handoff
from schedules.dispatch import next_instant_check
from schedules.models import Scheduler
from schedules.models.scheduler import A_WORKER
from schedules.monitoring import process_reports
from stagent.lib import clock
from stagent.lib.database_errors import is_disk_full
from stagent.lib.db import migrations as migrated
from stagent.lib.processes.outage import DATABASE, Outage
from stagent.lib.processes.supervisor import SUPERVISOR

MOST_LOOKED_AT, MOST_NAMED = 200, 20
LEAST_FREE_BYTES = 4 * 1024 * 1024  # a transaction and its log may need as much
FULL = "its disk is full"

log = logging.getLogger(__name__)
_outage = Outage(log, "Asking the database for a sign of life")


class Level(StrEnum):
    """The state of a part: ok, warning, failed."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    part: str
    level: Level
    detail: str


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer without the database; in the web process `stagent.web.liveness` answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if everything needed works, else 503 with the failed parts."""
    findings = list(check())
    ready = all(finding.level != Level.FAIL for finding in findings)
    parts = {finding.part: finding.detail for finding in findings}
    return JsonResponse({"ready": ready, **parts}, status=200 if ready else 503)


def check() -> Iterator[Finding]:
    """Check the database, then what depends on it."""
    found = database()
    yield found
    if found.level == Level.FAIL:
        return
    found = migrations()
    yield found
    if found.level != Level.FAIL:
        yield scheduler(clock.now())
        yield next_firings()
        yield processes(clock.now())


def database() -> Finding:
    """Check that the database answers and has space."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        _outage.failed(error)
        return Finding("database", Level.FAIL, FULL if is_disk_full(error) else "does not answer")
    _outage.worked()
    if not has_room():
        return Finding("database", Level.FAIL, FULL)
    return Finding("database", Level.OK, "answers")


def has_room() -> bool:
    """Return whether a write is possible: by the disk of a SQLite file, else by the last attempt.

    Writes nothing, because strangers may call it.
    """
    if DATABASE.is_active and DATABASE.is_full:
        return False
    folder = Path(connection.settings_dict["NAME"]).parent
    if connection.vendor != "sqlite" or not folder.is_absolute():
        return True
    return shutil.disk_usage(folder).free >= LEAST_FREE_BYTES


def migrations() -> Finding:
    """Compare the code's migrations with the database's."""
    if missing := migrated.missing_migrations():
        return Finding("migrations", Level.FAIL, migrated.missing_migrations_message(missing))
    return Finding("migrations", Level.OK, "all applied")


def next_firings() -> Finding:
    """Name the schedules, by id, whose next firing does not follow from their recurrence."""
    wrong = next_instant_check.furthest_inconsistent(MOST_LOOKED_AT)
    if wrong:
        ids = ", ".join(str(schedule.pk) for schedule in wrong[:MOST_NAMED])
        return Finding("next firings", Level.WARN, f"not explained by their rhythm: schedules {ids}")
    return Finding("next firings", Level.OK, "explained by their rhythms")


def processes(now: datetime) -> Finding:
    """Name the threads and tasks that failed or were restarted lately."""
    own = [part for part in SUPERVISOR.report() if not part.works]
    found = list(process_reports.troubles(now))
    broken = {f"{one.process.role}: {one.part} is {one.state}" for one in found if one.is_broken}
    broken |= {f"web: {part.name} is {part.state}" for part in own}
    if broken:
        return Finding("processes", Level.FAIL, ", ".join(sorted(broken)))
    if lately := {f"{one.process.role}: {one.part}" for one in found}:
        return Finding("processes", Level.WARN, f"restarted lately: {', '.join(sorted(lately))}")
    return Finding("processes", Level.OK, "every thread and task works")


def scheduler(now: datetime) -> Finding:
    """Check for a recent scheduler heartbeat, and for a process that executes runs."""
    there = Scheduler.objects.running(now)
    alive = [one for one in there if not one.is_worker]
    if alive:
        nobody = "no worker is running" if cluster_handoff.is_cluster() else "none of them executes"
        idle = "" if any(one.executes for one in there) else f", {nobody}"
        return Finding("scheduler", Level.WARN if idle else Level.OK, f"{len(alive)} running{idle}")
    last = Scheduler.objects.exclude(A_WORKER).order_by("-seen_at").first()
    seen = f"last seen {(now - last.seen_at).total_seconds():.0f} s ago" if last else "none has been seen"
    return Finding("scheduler", Level.FAIL, f"{seen}; manage.py runscheduler")
