"""Runs as asyncio tasks on a loop of their own thread: the orchestrator never waits for an agent."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.db import connections

from agents.bridge import in_database
from agents.runtimes import warm_up
from schedules.conf import Conf
from schedules.models import Run
from schedules.renewer import Renewer
from schedules.transitions import Claim
from schedules.vitals import Vitals
from schedules.worker import Cause, Job, work

log = logging.getLogger("stagent.executor")


class Executor:
    """Performs claims in this process; `on_end` is called, from its thread, whenever a job ended."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="runs", daemon=True)
        self._beside: list[asyncio.Task[None]] = []  # what goes on beside the runs
        self._jobs: dict[UUID, Job] = {}
        self.vitals = Vitals()
        self.renewer = Renewer(self)

    def open(self) -> None:
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
        for lasting in (self.vitals.sample(), self.renewer.guard()):
            self._beside.append(self._loop.create_task(lasting))
        self._thread.start()
        self.renewer.start()

    def close(self) -> None:
        """End the loop; whatever still runs was stopped before."""
        self.renewer.stop()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    async def _close(self) -> None:
        for task in self._beside:
            task.cancel()
        await asyncio.wait(self._beside)
        await in_database(connections.close_all)

    @property
    def jobs(self) -> list[Job]:
        return list(self._jobs.values())

    def start(self, claim: Claim, conf: Conf) -> Job:
        """Begin to work on a claimed run."""
        job = Job(claim, self.vitals.open_gauge(), conf, confirmed_at=time.monotonic())
        self._jobs[claim.token] = job
        self._loop.call_soon_threadsafe(self._start, job)
        return job

    def stop(self, job: Job, cause: Cause) -> None:
        self._loop.call_soon_threadsafe(job.stop, cause)

    def stop_all(self, cause: Cause) -> None:
        for job in self.jobs:
            self.stop(job, cause)

    def heed_cancels(self, holder: str) -> None:
        """Stop the runs of this process that somebody asked to stop."""
        if not (jobs := {job.claim.token: job for job in self.jobs}):
            return
        asked = Run.objects.held_by(holder).exclude(cancel_requested_at=None)
        for token in asked.values_list("token", flat=True):
            if token in jobs:
                self.stop(jobs[token], Cause.CANCELLED)

    def _start(self, job: Job) -> None:
        job.task = self._loop.create_task(work(job), name=f"run {job.claim.run_id}")
        job.task.add_done_callback(lambda task: self._ended(job, task))

    def _ended(self, job: Job, task: "asyncio.Task[None]") -> None:
        self._jobs.pop(job.claim.token, None)
        self.vitals.close_gauge(job.gauge)
        if not task.cancelled() and (error := task.exception()):
            # Most likely the database was away: the lease lapses and the reaper settles the run.
            log.error("Run %s could not be settled by its worker: %r", job.claim.run_id, error)
        job.ended.set_result(None)
        self._on_end()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
