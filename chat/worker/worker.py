"""Where replies are worked on: claims those whose turn has come, keeps their leases, stops them.

A thread with an event loop and database connections of its own, in a process beside the web process
(`stagent.web.reply_worker_main`), so that neither a page nor a socket waits for an agent.
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
from chat.worker import assignment, reconcile, retention
from chat.worker.lease_renewer import Renewer
from chat.worker.reply_task import Cause, Job, answer, interrupt
from stagent.lib import clock
from stagent.lib.db.from_async import database_threads, db_sync_to_async, prioritised
from stagent.lib.db.prepared import Param, Select
from stagent.lib.processes.gc_tuning import collect_garbage
from stagent.lib.processes.process_id import holder_id
from stagent.lib.processes.shutdown import close_in_order
from stagent.lib.processes.supervisor import SUPERVISOR
from stagent.lib.processes.thread_pool import Priority
from stagent.lib.processes.watched import Policy, Watched

LOOK_BUSY_SEC, LOOK_IDLE_SEC = 0.25, 2.0  # for what other processes wrote; the doorbell rings for our own
LOOP_STUCK_SEC = 20.0
LOOP_EXIT_SEC = 100.0  # stuck for longer, its process ends: every lease has lapsed
LEAVE_SEC = 15.0  # for the replies to be settled when the process leaves
BATCH = 200

CHORES: dict[Callable[[datetime], object], float] = {
    reconcile.finalise_stale: reconcile.EVERY_SEC,
    retention.prune: retention.EVERY_SEC,
}

log = logging.getLogger("stagent.replies")


class ReplyWorker:
    """One for each web process, beside it."""

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
        self.thread.follow(self._loop)
        self._renewer = Renewer(lambda: list(self._jobs.values()))
        # A pass or a chore waits for up to a minute while the database is away.
        self._beside = {
            name: SUPERVISOR.task(name, work, stuck_sec=90, logger=log)
            for name, work in {
                "reply renewer": self._renewer.renew,
                "reply guard": self._renewer.guard,
                "reply chores": self._do_chores,
            }.items()
        }
        self._lock = threading.Lock()  # `close` reads from another thread
        self._jobs: dict[int, Job] = {}
        self._holder = holder_id("replies")
        self._bell = asyncio.Event()
        self._leaving = self._untidy = False

    def open(self) -> None:
        threading.Thread(target=runtimes.preload_sdk, name="warm-up", daemon=True).start()
        self.thread.start()
        broadcast.on_work(self.find_ready)

    def close(self) -> None:
        """Settle what is being answered as interrupted and leave."""
        close_in_order(
            [
                ("stop accepting replies", lambda: broadcast.unsubscribe(self.find_ready)),
                ("stop claiming replies", self._stop_claiming),
                ("settle the replies", lambda: self.thread.join(LEAVE_SEC)),
                ("settle the replies that are left", self._settle_left),
            ]
        )

    def _stop_claiming(self) -> None:
        self._leaving = True
        self.thread.stop()
        self.find_ready()

    def _settle_left(self) -> None:
        """Settle from the caller's thread what the loop could not in time; refused where it did meanwhile."""
        with self._lock:
            left = list(self._jobs.values())
        for job in left:
            interrupt(job)

    def find_ready(self) -> None:
        """Look for work now; from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._bell.set)

    def _run(self, _: Watched) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        # What is said has a thread of its own: who begins does not wait for it.
        async with database_threads("replies-database"), batch_writer.current_writer().use_own_thread():
            for lasting in self._beside.values():
                lasting.start()
            try:
                while not self._leaving:
                    await self._pass()
                    await self._sleep()
                await self._stop_all(Cause.SHUTDOWN)
            finally:
                for lasting in self._beside.values():
                    lasting.stop()
                    await lasting.wait()
                await runtimes.close_all()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(LOOK_BUSY_SEC if self._jobs else LOOK_IDLE_SEC):
                await self._bell.wait()
        except TimeoutError:
            self._use_the_quiet()
        self._bell.clear()

    def _use_the_quiet(self) -> None:
        """Throw away what answers have left, while nobody is answered."""
        if self._untidy and not self._jobs:
            collect_garbage()
            self._untidy = False

    async def _pass(self) -> None:
        """Take what is ready and stop what somebody wants stopped; a fault is told and tried again."""
        try:
            found = await db_sync_to_async(_look, self._holder, time.monotonic())
            for message_id in found.unwanted:
                if job := self._jobs.get(message_id):
                    job.stop(Cause.STOPPED)
            self._begin(found.job)
            for message_id in found.ready:
                with prioritised(Priority.STARTING):
                    taken = await db_sync_to_async(_take, message_id, self._holder, time.monotonic())
                self._begin(taken)
        except Exception as error:  # noqa: BLE001 - told by `failed`; the next pass tries again
            self.thread.failed(error)
            if not self._leaving:
                await asyncio.sleep(1)
        else:
            self.thread.worked()

    def _begin(self, job: Job | None) -> None:
        if job is None:
            return
        with self._lock:
            self._jobs[job.claim.message_id] = job
        # Eager: a task that is cancelled before its first step would leave its reply unsettled.
        job.task = asyncio.Task(
            answer(job), loop=self._loop, name=f"reply {job.claim.message_id}", eager_start=True
        )
        job.task.add_done_callback(lambda task: self._ended(job, task))

    def _ended(self, job: Job, task: "asyncio.Task[None]") -> None:
        with self._lock:
            self._jobs.pop(job.claim.message_id, None)
        self._untidy = True
        if not task.cancelled() and (error := task.exception()):
            log.error("The reply %s could not be settled by its worker: %r", job.claim.message_id, error)
        self._bell.set()  # the next in its conversation may begin

    async def _do_chores(self, watched: Watched) -> None:
        """Settle what others left behind and throw old things away, each in its time."""
        done = dict.fromkeys(CHORES, float("-inf"))
        while True:
            await self._renewer.next_round()  # first: after a long sleep, ours are not taken for left behind
            for chore, every_sec in CHORES.items():
                if time.monotonic() - done[chore] >= every_sec and await self._try(chore, watched):
                    done[chore] = time.monotonic()

    async def _try(self, chore: Callable[[datetime], object], watched: Watched) -> bool:
        try:
            await db_sync_to_async(lambda: chore(clock.now()))
        except Exception as error:  # noqa: BLE001 - told by `failed`; it is tried again
            watched.failed(error)
            return False
        watched.worked()
        return True

    async def _stop_all(self, cause: Cause) -> None:
        tasks = [job.task for job in self._jobs.values() if job.task]
        for job in list(self._jobs.values()):
            job.stop(cause)
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_SEC - 1)


READY = Select(Message.objects.ready().order_by("pk").only("pk")[:BATCH])
UNWANTED = Select(
    Message.objects.held_by(cast(str, Param("holder", Message.holder)))
    .filter(stop_requested_at__isnull=False)
    .order_by()
    .only("pk")
)


REPLY = Select(assignment.replies().filter(pk=Param("id", Message.id)).order_by())


class ReadyWork(NamedTuple):
    """What a look finds: the first reply that may begin, taken already; others; those to be stopped."""

    job: Job | None
    ready: list[int]
    unwanted: list[int]


def _look(holder: str, asked_at: float) -> ReadyWork:
    """Look for work, and for what somebody wants stopped of this holder's."""
    unwanted = [reply.pk for reply in UNWANTED(holder=holder)]
    ready = [reply.pk for reply in READY()]
    return ReadyWork(_take(ready[0], holder, asked_at) if ready else None, ready[1:], unwanted)


def _take(message_id: int, holder: str, asked_at: float) -> Job | None:
    """Take a reply; None where somebody was quicker. Its own fault keeps nobody else waiting."""
    try:
        return _claim(message_id, holder, asked_at)
    except LostRace:
        return None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("The reply %s could not be begun; it is tried again.", message_id)
        return None


def _claim(message_id: int, holder: str, asked_at: float) -> Job:
    """Take a reply and read what it is about."""
    reply = REPLY.first(id=message_id)
    if reply is None:
        raise LostRace(f"message {message_id}")
    now = clock.now()
    claimed = claim(reply, holder=holder, now=now, ttl=conf.lease_ttl())
    job = Job(claimed, latency_of(reply, now), confirmed_at=asked_at)
    with suppress(Exception):  # it is ours now: its task reads again, and settles it if that fails, too
        job.assignment = runner.with_allowance(assignment.assign(reply, claimed))
    return job
