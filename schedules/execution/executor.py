"""Runs as asyncio tasks on a loop of their own thread: the orchestrator never waits for an agent."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from uuid import UUID

from agents import runtimes
from agents.transcripts import batch_writer
from schedules.conf import Conf
from schedules.execution.lease_renewer import Renewer
from schedules.execution.run_task import Cause, Job, run
from schedules.models import Run
from schedules.transitions import Claim
from stagent.lib.db.async_db import database_threads
from stagent.lib.processes.process_metrics import Sampler
from stagent.lib.processes.supervised_task import Policy, Watched
from stagent.lib.processes.supervisor import SUPERVISOR, Supervisor

LOOP_STUCK_SEC = 20.0
LOOP_EXIT_SEC = 100.0  # stuck for longer: by now every lease of 60 s has lapsed
CLOSE_SEC = 5.0

log = logging.getLogger(__name__)


class Executor:
    """Executes claims in this process; `on_end` is called from its thread whenever a job ends.

    The process exits if the loop ends or hangs: its runs could neither be renewed nor stopped, and another
    process takes them over when their leases expire.
    """

    def __init__(self, on_end: Callable[[], None], supervisor: Supervisor = SUPERVISOR) -> None:
        self._on_end = on_end
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._closing = asyncio.Event()
        self._jobs: dict[UUID, Job] = {}
        self.vitals = Sampler()
        self.thread = supervisor.thread(
            "loop of the runs",
            self._run_loop,
            policy=Policy.FATAL,
            stuck_sec=LOOP_STUCK_SEC,
            exit_sec=LOOP_EXIT_SEC,
        )
        self.thread.follow_loop(self._loop)
        self.renewer = Renewer(self._loop, lambda: self.jobs, self.stop, supervisor)
        self._beside = (
            supervisor.task("run metrics", self.vitals.sample, stuck_sec=LOOP_STUCK_SEC),
            supervisor.task("lease guard", self.renewer.guard, stuck_sec=LOOP_STUCK_SEC),
        )

    def open(self) -> None:
        threading.Thread(target=runtimes.preload_sdk, name="warm-up", daemon=True).start()
        self._serving = self._loop.create_task(self._serve())  # first of all: runs find its threads there
        for lasting in self._beside:
            lasting.start(self._loop)
        self.thread.start()
        self.renewer.start()

    def close(self) -> None:
        """End the loop, after all runs were stopped."""
        self.renewer.stop()
        self.thread.stop()
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=CLOSE_SEC)
        self.thread.join(CLOSE_SEC)

    async def _close(self) -> None:
        for lasting in self._beside:
            lasting.stop()
            await lasting.wait()
        self._closing.set()

    @property
    def jobs(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def start(self, claim: Claim, conf: Conf) -> Job:
        """Start a claimed run."""
        job = Job(claim, self.vitals.start_run(), conf, confirmed_at=time.monotonic())
        with self._lock:
            self._jobs[claim.token] = job
        self._loop.call_soon_threadsafe(self._start, job)
        return job

    def stop(self, job: Job, cause: Cause) -> None:
        self._loop.call_soon_threadsafe(job.stop, cause)

    def stop_all(self, cause: Cause) -> None:
        for job in self.jobs:
            self.stop(job, cause)

    def stop_cancelled(self, holder: str) -> None:
        """Stop the runs of this process whose cancellation was requested."""
        if not (jobs := {job.claim.token: job for job in self.jobs}):
            return
        asked = Run.objects.held_by(holder).exclude(cancel_requested_at=None)
        for token in asked.values_list("token", flat=True):
            if token in jobs:
                self.stop(jobs[token], Cause.CANCELLED)

    def _start(self, job: Job) -> None:
        # Eager: a task that is cancelled before its first step would leave its run unsettled.
        job.task = asyncio.Task(run(job), loop=self._loop, name=f"run {job.claim.run_id}", eager_start=True)
        job.task.add_done_callback(lambda task: self._ended(job, task))

    def _ended(self, job: Job, task: "asyncio.Task[None]") -> None:
        with self._lock:
            self._jobs.pop(job.claim.token, None)
        self.vitals.end_run(job.gauge)
        if not task.cancelled() and (error := task.exception()):
            # Most likely the database was away: the lease lapses and the reaper settles the run.
            log.error("Run %s could not be settled by its worker: %r", job.claim.run_id, error)
        job.ended.set_result(None)
        self._on_end()

    def _run_loop(self, _: Watched) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serving)

    async def _serve(self) -> None:
        # Where several may write at once, what is said has a thread of its own and waits for nobody.
        async with database_threads("runs-database") as pool:
            self.vitals.database_wait_p99_ms = pool.wait_p99_ms
            apart = batch_writer.current_writer().use_own_thread() if pool.size > 1 else nullcontext()
            async with apart:
                await self._closing.wait()
        await runtimes.close_all()
