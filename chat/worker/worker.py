"""The reply worker: claims replies that are ready, runs each as a task, renews their leases, stops them.

It has a thread with an event loop and its own database connections, in a child process of the web process
(`stagent.web.reply_worker_main`), so neither pages nor sockets wait for an agent.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, cast

from django.db import InterfaceError, OperationalError

from agents import runtimes
from agents.engine import runner
from agents.transcripts import batch_writer
from chat import conf
from chat.errors import LostRace
from chat.feed import broadcast
from chat.models import Message
from chat.transitions import claim
from chat.transitions.latency import latency_of
from chat.worker import build_assignment, reconcile, retention
from chat.worker.lease_renewer import Renewer
from chat.worker.reply_task import Cause, Job, answer, interrupt
from stagent.lib import clock
from stagent.lib.db.async_db import database_threads, db_sync_to_async, prioritised
from stagent.lib.db.prepared import Param, Select
from stagent.lib.processes.gc_tuning import collect_garbage
from stagent.lib.processes.process_id import holder_id
from stagent.lib.processes.shutdown import close_in_order
from stagent.lib.processes.supervised_task import Policy, Watched
from stagent.lib.processes.supervisor import SUPERVISOR
from stagent.lib.processes.thread_pool import Priority

POLL_BUSY_SEC, POLL_IDLE_SEC = 0.25, 2.0  # for work of other processes; our own wakes the loop
LOOP_STUCK_SEC = 20.0
LOOP_EXIT_SEC = 100.0  # a loop stuck for longer ends the process: all its leases have expired
SHUTDOWN_SEC = 15.0  # for the replies to be finalised when the process shuts down
BATCH = 200  # replies found in one query

MAINTENANCE: dict[Callable[[datetime], object], float] = {
    reconcile.finalise_stale: reconcile.EVERY_SEC,
    retention.prune: retention.EVERY_SEC,
}

log = logging.getLogger(__name__)


class ReplyWorker:
    """One for each web process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.thread = SUPERVISOR.thread(
            "loop of the replies",
            self._run,
            policy=Policy.FATAL,
            stuck_sec=LOOP_STUCK_SEC,
            exit_sec=LOOP_EXIT_SEC,
            logger=log,
        )
        self.thread.follow_loop(self._loop)
        self._renewer = Renewer(lambda: list(self._jobs.values()))
        # A pass or a maintenance job waits for up to a minute while the database is away.
        self._tasks = {
            name: SUPERVISOR.task(name, work, stuck_sec=90, logger=log)
            for name, work in {
                "reply renewer": self._renewer.renew,
                "reply guard": self._renewer.guard,
                "reply maintenance": self._maintain,
            }.items()
        }
        self._lock = threading.Lock()  # `close` reads from another thread
        self._jobs: dict[int, Job] = {}
        self._holder = holder_id("replies")
        self._wakeup = asyncio.Event()
        self._closing = self._has_garbage = False

    def open(self) -> None:
        threading.Thread(target=runtimes.preload_sdk, name="warm-up", daemon=True).start()
        self.thread.start()
        broadcast.on_work(self.wake)

    def close(self) -> None:
        """Shut down; replies under way end as interrupted."""
        close_in_order(
            [
                ("stop accepting replies", lambda: broadcast.unsubscribe(self.wake)),
                ("stop claiming replies", self._stop_claiming),
                ("finalise the replies", lambda: self.thread.join(SHUTDOWN_SEC)),
                ("finalise the replies that are left", self._interrupt_remaining),
            ]
        )

    def _stop_claiming(self) -> None:
        self._closing = True
        self.thread.stop()
        self.wake()

    def _interrupt_remaining(self) -> None:
        """Finalise, from the caller's thread, the replies that the loop has not finalised in time."""
        with self._lock:
            remaining = list(self._jobs.values())
        for job in remaining:
            interrupt(job)

    def wake(self) -> None:
        """Let the loop look for work now; from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wakeup.set)

    def _run(self, _: Watched) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        # Events are written by a separate thread, so that a reply which starts does not wait for them.
        async with database_threads("replies-database"), batch_writer.current_writer().use_own_thread():
            for task in self._tasks.values():
                task.start()
            try:
                while not self._closing:
                    await self._pass()
                    await self._sleep()
                await self._stop_all(Cause.SHUTDOWN)
            finally:
                for task in self._tasks.values():
                    task.stop()
                    await task.wait()
                await runtimes.close_all()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(POLL_BUSY_SEC if self._jobs else POLL_IDLE_SEC):
                await self._wakeup.wait()
        except TimeoutError:
            self._collect_garbage()
        self._wakeup.clear()

    def _collect_garbage(self) -> None:
        """Collect what ended replies have left, while none is under way."""
        if self._has_garbage and not self._jobs:
            collect_garbage()
            self._has_garbage = False

    async def _pass(self) -> None:
        """Claim the replies that are ready and stop those whose stop was requested; an error is retried."""
        try:
            found = await db_sync_to_async(_find_work, self._holder, time.monotonic())
            for message_id in found.to_stop:
                if job := self._jobs.get(message_id):
                    job.stop(Cause.STOPPED)
            self._start(found.job)
            for message_id in found.ready:
                with prioritised(Priority.STARTING):
                    job = await db_sync_to_async(_try_claim, message_id, self._holder, time.monotonic())
                self._start(job)
        except Exception as error:  # noqa: BLE001 - `failed` logs it; the next pass tries again
            self.thread.failed(error)
            if not self._closing:
                await asyncio.sleep(1)
        else:
            self.thread.worked()

    def _start(self, job: Job | None) -> None:
        if job is None:
            return
        with self._lock:
            self._jobs[job.claim.message_id] = job
        # Eager: a task that is cancelled before its first step would leave its reply open.
        job.task = asyncio.Task(
            answer(job), loop=self._loop, name=f"reply {job.claim.message_id}", eager_start=True
        )
        job.task.add_done_callback(lambda task: self._ended(job, task))

    def _ended(self, job: Job, task: "asyncio.Task[None]") -> None:
        with self._lock:
            self._jobs.pop(job.claim.message_id, None)
        self._has_garbage = True
        if not task.cancelled() and (error := task.exception()):
            log.error("Reply %s could not be finalised by its worker: %r", job.claim.message_id, error)
        self._wakeup.set()  # the next reply of its conversation can start

    async def _maintain(self, watched: Watched) -> None:
        """Finalise the replies of dead workers and delete expired rows, each at its interval."""
        done = dict.fromkeys(MAINTENANCE, float("-inf"))
        while True:
            await self._renewer.next_round()  # first, or our own leases count as expired after a long sleep
            for job, every_sec in MAINTENANCE.items():
                if time.monotonic() - done[job] >= every_sec and await self._try(job, watched):
                    done[job] = time.monotonic()

    async def _try(self, job: Callable[[datetime], object], watched: Watched) -> bool:
        try:
            await db_sync_to_async(lambda: job(clock.now()))
        except Exception as error:  # noqa: BLE001 - `failed` logs it; it is tried again
            watched.failed(error)
            return False
        watched.worked()
        return True

    async def _stop_all(self, cause: Cause) -> None:
        tasks = [job.task for job in self._jobs.values() if job.task]
        for job in list(self._jobs.values()):
            job.stop(cause)
        if tasks:
            await asyncio.wait(tasks, timeout=SHUTDOWN_SEC - 1)


READY = Select(Message.objects.ready().order_by("pk").only("pk")[:BATCH])
STOP_REQUESTED = Select(
    Message.objects.held_by(cast(str, Param("holder", Message.holder)))
    .filter(stop_requested_at__isnull=False)
    .order_by()
    .only("pk")
)


REPLY = Select(build_assignment.replies().filter(pk=Param("id", Message.id)).order_by())


class ReadyWork(NamedTuple):
    """The first ready reply, already claimed; the ids of the others; the ids of those to stop."""

    job: Job | None
    ready: list[int]
    to_stop: list[int]


def _find_work(holder: str, asked_at: float) -> ReadyWork:
    """Find replies that are ready, and those of this holder whose stop was requested; claim the first."""
    to_stop = [reply.pk for reply in STOP_REQUESTED(holder=holder)]
    ready = [reply.pk for reply in READY()]
    return ReadyWork(_try_claim(ready[0], holder, asked_at) if ready else None, ready[1:], to_stop)


def _try_claim(message_id: int, holder: str, asked_at: float) -> Job | None:
    """Claim a reply; None if another worker claimed it first. An error of this reply delays no other one."""
    try:
        return _claim(message_id, holder, asked_at)
    except LostRace:
        return None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("Reply %s could not be started; it is tried again.", message_id)
        return None


def _claim(message_id: int, holder: str, asked_at: float) -> Job:
    """Claim a reply and build its assignment."""
    reply = REPLY.first(id=message_id)
    if reply is None:
        raise LostRace(f"message {message_id}")
    now = clock.now()
    claimed = claim(reply, holder=holder, now=now, ttl=conf.lease_ttl())
    job = Job(claimed, latency_of(reply, now), confirmed_at=asked_at)
    with suppress(Exception):  # it is claimed: its task builds again, and finalises it if that fails too
        job.assignment = runner.with_allowance(build_assignment.build_for(reply, claimed))
    return job
