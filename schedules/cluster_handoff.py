"""Hands claimed runs to workers on other hosts, if STAGENT_EXECUTOR is procrastinate.

A Procrastinate job is only a wake-up with the run's id and token: the run row is the truth, and a late or
repeated job finds its token replaced. `cluster.worker_host` executes the runs.
"""

import time
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from asgiref.sync import async_to_sync
from django.apps import apps
from django.db.models import QuerySet

from schedules.models import Pool, Run, Scheduler
from schedules.models.slot import DEFAULT_POOL

if TYPE_CHECKING:
    from procrastinate.contrib.django.models import ProcrastinateJob
    from procrastinate.manager import JobManager

TASK = "stagent.run"
NO_POOL = ""  # the pool of a run without one; its queue is the default one
SWEEP_EVERY_SEC = 60.0
STALLED_SEC = 60.0  # without a heartbeat of its worker a job counts as stalled


def is_cluster() -> bool:
    """Return whether claimed runs go to workers."""
    return apps.is_installed("schedules.cluster")


def defer_wakeup(run_id: int, token: UUID, pool: str) -> None:
    """Defer the job in the claim's transaction; does nothing if schedulers execute runs themselves."""
    if is_cluster():
        from procrastinate.tasks import configure_task

        waking = configure_task(name=TASK, job_manager=_manager(), queue=pool or DEFAULT_POOL)
        waking.defer(run_id=run_id, token=str(token))


def abort(run_id: int) -> None:
    """Cancel the job when this transaction commits; otherwise its worker sees the request a little later.

    Only a started job: a waiting one must reach a worker, or the run would keep its slot.
    """
    if is_cluster():
        under_way = _jobs().filter(status="doing", args__run_id=run_id)
        for job_id in under_way.values_list("id", flat=True):
            _manager().cancel_job_by_id(job_id, abort=True)


def unserved(now: datetime) -> frozenset[str]:
    """Return the pools that no worker serves, as runs name them; empty if schedulers execute."""
    if not is_cluster():
        return frozenset()
    executing = [one for one in Scheduler.objects.running(now) if one.executes]
    if any(not one.pools for one in executing):
        return frozenset()
    served = {pool for one in executing for pool in one.pools.split(",")}
    names = {NO_POOL: DEFAULT_POOL} | {name: name for name in Pool.objects.values_list("name", flat=True)}
    return frozenset(pool for pool, queue in names.items() if queue not in served)


class WakeupSweeper:
    """Deletes obsolete jobs at intervals."""

    def __init__(self) -> None:
        self._swept_at = float("-inf")

    def run_if_due(self) -> None:
        if is_cluster() and time.monotonic() - self._swept_at >= SWEEP_EVERY_SEC:
            self._swept_at = time.monotonic()
            sweep()


def sweep() -> None:
    """Delete the jobs of expired claims and of dead workers."""
    from procrastinate.jobs import Status

    manager = _manager()
    waiting = _jobs().filter(status="todo").values_list("id", "args")
    wanted = {str(token) for token in Run.objects.unadopted().values_list("token", flat=True)}
    for job_id, asked in list(waiting):
        if asked["token"] not in wanted:
            manager.cancel_job_by_id(job_id, delete_job=True)
    stalled = async_to_sync(manager.get_stalled_jobs)(task_name=TASK, seconds_since_heartbeat=STALLED_SEC)
    for job in stalled:
        async_to_sync(manager.finish_job)(job, Status.FAILED, delete_job=True)


def waiting() -> int:
    """Return the number of jobs that wait for a worker."""
    return _jobs().filter(status="todo").count()


def _jobs() -> "QuerySet[ProcrastinateJob]":
    from procrastinate.contrib.django.models import ProcrastinateJob

    return ProcrastinateJob._default_manager.filter(task_name=TASK)


@cache
def _manager() -> "JobManager":
    """Return a job manager on Django's connection: the worker's own is outside the transaction."""
    from procrastinate.contrib.django.django_connector import DjangoConnector
    from procrastinate.manager import JobManager

    return JobManager(DjangoConnector())
