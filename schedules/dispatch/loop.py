"""The scheduler loop: reap, tick, drain, maintain, then sleep until something is due or a wake-up arrives.

Without a leader: any number may run at once; every step is idempotent.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import close_old_connections, connection
from django.db.models import Min

from schedules import cluster_handoff, conf
from schedules.capacity import conditions
from schedules.capacity.lateness import Delays
from schedules.capacity.processes import ProcessHeartbeat
from schedules.deliveries.sender_threads import SenderThreads
from schedules.dispatch.block_log import BlockLog
from schedules.dispatch.drain import adopt_waiting, fill
from schedules.dispatch.maintenance import Maintenance
from schedules.dispatch.next_instant_check import NextCheck
from schedules.dispatch.reaper import reap
from schedules.dispatch.tick import tick
from schedules.execution.executor import Executor
from schedules.execution.run_task import Cause
from schedules.models import Run, Schedule
from schedules.models.run import UNADOPTED
from schedules.monitoring.process_reports import Reporter
from schedules.transitions import prepared_sql
from stagent.lib import clock
from stagent.lib.processes.outage import Outage
from stagent.lib.processes.process_id import holder_id
from stagent.lib.processes.shutdown import close_in_order
from stagent.lib.processes.supervised_task import Policy, Watched
from stagent.lib.processes.supervisor import SUPERVISOR
from stagent.lib.wakeup import Wakeup

LONGEST_SLEEP_SEC = 5.0
REAP_EVERY_SEC = 5.0
RUNNING_SLEEP_SEC = 0.5  # while runs are running: a lost wake-up must not delay a cancel beyond a second
GRACE_SEC = 20.0  # for runs to finish when the process shuts down
CANCEL_SEC = 10.0  # for cancelled runs to be queued again
AFTER_ERROR_SEC = 1.0
SLEEP = "sleep"

log = logging.getLogger(__name__)


class Loop:
    """One scheduler process. In a cluster it claims runs for the workers and executes none itself."""

    def __init__(self, *, execute: bool = True, grace_sec: float = GRACE_SEC) -> None:
        self.holder = holder_id("scheduler")
        self.wakeup = Wakeup()
        self.claims = execute
        self.executor = (
            Executor(on_end=self.wakeup.notify) if execute and not cluster_handoff.is_cluster() else None
        )
        self._delays = Delays()
        vitals = self.executor.vitals if self.executor else None
        self.presence = ProcessHeartbeat(self.holder, claims=self.claims, vitals=vitals, delays=self._delays)
        self.grace_sec = grace_sec
        self._stopping = 0  # calls of `stop`
        self._reaped_at = float("-inf")
        self._jumps = clock.JumpDetector()
        self._next_check = NextCheck()
        self._spare_leases_until = 0.0
        self._maintenance = Maintenance()
        self._courier = SenderThreads()
        self.reporter = Reporter("scheduler", self.holder)
        self.watched = Watched("scheduler loop", policy=Policy.FATAL)
        self._block_log = BlockLog()
        self._phases: tuple[Callable[[], None], ...] = (
            self._watch_clock,
            self.presence.beat,
            self._reap,
            self._check_next,
            self._tick,
            self._cancel,
            self._drain,
            self._maintain,
        )
        names = [*(phase.__name__ for phase in self._phases), SLEEP]
        self._outages = {name: Outage(log, f"The phase {name.strip('_')}") for name in names}

    def stop(self) -> None:
        """Shut down in order; on a second call at once. Safe in a signal handler."""
        self._stopping += 1
        self.wakeup.notify()

    def run(self, *, once: bool = False) -> None:
        """Make passes until stopped; with `once` a single pass, and wait for the runs it started."""
        SUPERVISOR.add(self.watched)
        self.reporter.start()
        self.wakeup.open()
        if self.executor:
            self.executor.open()
        self._courier.start()
        try:
            self.pass_once()
            while not once and not self._stopping:
                self._sleep(self._sleep_sec())
                if not self._stopping:
                    self.pass_once()
        finally:
            self._leave(None if once else self.grace_sec)

    def pass_once(self) -> None:
        """Run every phase once. An error in one is logged; the others run."""
        close_old_connections()
        self._failed = False
        for phase in self._phases:
            outage = self._outages[phase.__name__]
            try:
                phase()
            except Exception as error:  # noqa: BLE001 - `failed` logs it; the loop goes on
                self._failed = True
                outage.failed(error)
                connection.close_if_unusable_or_obsolete()
            else:
                outage.worked()
        self.watched.beat()

    # The phases.

    def _watch_clock(self) -> None:
        """After a jump of the wall clock renew first and reap later: the stored lease ends are wrong."""
        self._delays.begin(clock.now(), self.presence.seen_at)
        jump = self._jumps.jumped()
        if jump is None:
            return
        log.warning(
            "The wall clock jumped by %.1f s; leases are renewed before any is reaped.", jump.total_seconds()
        )
        self._spare_leases_until = time.monotonic() + 2 * conf.load().renew_every_sec
        if self.executor:
            self.executor.renewer.renew_now()

    def _reap(self) -> None:
        in_force, moment = conf.load(), time.monotonic()
        if moment < self._spare_leases_until or moment - self._reaped_at < min(
            REAP_EVERY_SEC, in_force.renew_every_sec
        ):
            return
        self._reaped_at = moment
        reap(clock.now())

    def _tick(self) -> None:
        now = clock.now()
        if prepared_sql.SOMETHING_DUE.count(now=now):
            tick(conditions.load(now, conf.load(), claims=True), self._delays)

    def _check_next(self) -> None:
        self._next_check.step(clock.now())

    def _cancel(self) -> None:
        """Stop the runs of this process whose cancellation was requested."""
        if self.executor:
            self.executor.stop_cancelled(self.holder)

    def _drain(self) -> None:
        """Adopt what requests claimed, then claim queued runs, for this process or for the workers."""
        if not self.claims or self._stopping:
            return
        unadopted = self.executor is not None and prepared_sql.SOMETHING_UNADOPTED.count() > 0
        if not unadopted and not prepared_sql.SOMETHING_QUEUED.count():
            self._block_log.queue_is_empty()
            return
        situation = conditions.load(clock.now(), conf.load(), claims=True)
        adopted = adopt_waiting(situation, self.holder) if unadopted else []
        # Where there is no executor, each claim wakes a worker, which adopts it.
        drained = fill(situation, self.holder if self.executor else UNADOPTED)
        if self.executor:
            for claimed in adopted + drained.claims:
                self.executor.start(claimed, situation.conf)
        self._block_log.update(situation, drained.full)

    def _maintain(self) -> None:
        self._maintenance.run(clock.now())

    # Between passes.

    def _sleep_sec(self) -> float:
        """Return how long nothing can be due; a wake-up ends the sleep earlier."""
        seconds = self._longest_sleep_sec()
        self._delays.end(seconds, failed=self._failed)
        return seconds

    def _longest_sleep_sec(self) -> float:
        if self._failed:
            return AFTER_ERROR_SEC
        if self._next_check.busy:
            return 0.0
        longest = RUNNING_SLEEP_SEC if self.executor and self.executor.jobs else LONGEST_SLEEP_SEC
        try:
            moment = next_moment(now := clock.now())
        except Exception as error:  # noqa: BLE001 - `failed` logs it; the loop goes on
            self._outages[SLEEP].failed(error)
            return AFTER_ERROR_SEC
        self._outages[SLEEP].worked()
        return longest if moment is None else min(longest, max(0.0, (moment - now).total_seconds()))

    def _sleep(self, seconds: float) -> None:
        """Sleep until a wake-up; if the wake-up channel fails, for the full time."""
        self.watched.beat()
        try:
            self.wakeup.wait(seconds)
        except Exception as error:  # noqa: BLE001 - `failed` logs it; the loop goes on
            self._outages[SLEEP].failed(error)
            time.sleep(min(seconds, AFTER_ERROR_SEC))

    def _wait_for_runs(self, grace_sec: float | None) -> None:
        """Let the runs finish; after the grace or a second signal, requeue them."""
        if not self.executor:
            return
        until = None if grace_sec is None else time.monotonic() + grace_sec
        while self.executor.jobs and self._stopping < 2 and (until is None or time.monotonic() < until):
            self._sleep(RUNNING_SLEEP_SEC)
            with suppress(Exception):  # the database is away: the runs end all the same
                self._cancel()
            if until is None and self._stopping:
                until = time.monotonic() + self.grace_sec

    def _requeue_remaining(self) -> None:
        """Stop the remaining runs and wait until they are requeued."""
        if not self.executor:
            return
        if self.executor.jobs:
            log.warning("%d runs are stopped and queued again.", len(self.executor.jobs))
        self.executor.stop_all(Cause.SHUTDOWN)
        patience = time.monotonic() + CANCEL_SEC
        while self.executor.jobs and time.monotonic() < patience:
            self._sleep(RUNNING_SLEEP_SEC)
        if left := len(self.executor.jobs):
            log.warning("%d runs could not be queued again in time; the reaper does it.", left)

    def _leave(self, grace_sec: float | None) -> None:
        close_in_order(
            [
                ("wait for the runs", lambda: self._wait_for_runs(grace_sec)),
                ("queue the runs again", self._requeue_remaining),
                ("end the loop of the runs", self.executor.close if self.executor else bool),
                ("send what the runs left behind", self._courier.stop),
                ("close the wake-up listener", self.wakeup.close),
                ("take its row away", self.presence.end),
                ("end the process report", self.reporter.stop),
                ("leave the supervisor", lambda: SUPERVISOR.discard(self.watched)),
            ]
        )


def next_moment(now: datetime) -> datetime | None:
    """Return when the next schedule is due or the next waiting run may start: three index lookups."""
    active, queued = Schedule.objects.active(), Run.objects.queued()
    moments = (
        active.filter(deferred_until=None).aggregate(moment=Min("next_fire_at"))["moment"],
        active.filter(deferred_until__isnull=False).aggregate(moment=Min("deferred_until"))["moment"],
        queued.filter(not_before__gt=now).aggregate(moment=Min("not_before"))["moment"],
    )
    return min((moment for moment in moments if moment), default=None)
