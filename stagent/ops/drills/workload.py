"""The load of the kill drill: runs of every kind, and answers to agents' approval requests."""

import random
import threading
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from agents.approvals import approvals
from agents.models import Approval, Profile
from schedules.errors import Blocked, CapacityFull, NoScheduler
from schedules.models import Run, Schedule
from schedules.services import run_now, schedule_writer
from schedules.states import RunStatus, Source
from schedules.transitions import enqueue, request_cancel, withdraw
from stagent.lib import clock, wakeup
from stagent.lib.problems import Problem

WORK = (
    "Work. [[offline: turns=6 delay=30ms]]",
    "Work slowly. [[offline: turns=2 delay=20ms tokens=120]]",
    "Ask me: which colour?",
    "Work for a busy provider. [[offline: turns=2 529=1]]",
    "Say a lot. [[offline: tokens=150 delay=15ms]]",
)
ANSWERS_EVERY_SEC = 0.7
FORCES, CANCELS = 0.3, 0.15  # of all rounds
SOON_SEC = (1.0, 4.0)  # until a new schedule fires


class Workload:
    """Creates one-shot schedules and manual runs."""

    def __init__(self, owner: User, chance: random.Random, webhook: str) -> None:
        self.instants: list[Schedule] = []
        self.by_hand = 0
        self._owner, self._chance = owner, chance
        self._targets = {"webhook_url": webhook, "deliver_to_chat": True}
        self._ever: list[Schedule] = []

    def add(self) -> None:
        """Add two runs, and sometimes a forced one or a cancellation."""
        now = clock.now()
        at = now + timedelta(seconds=self._chance.uniform(*SOON_SEC))
        self.instants.append(self._schedule(now, at=at))
        self._ever.append(schedule := self._schedule(now, cron="0 0 1 1 *"))
        with transaction.atomic():
            enqueue(schedule, source=Source.MANUAL, now=now)
            wakeup.notify()
        self.by_hand += 1
        if self._chance.random() < FORCES:
            self._force(now)
        if self._chance.random() < CANCELS:
            self._cancel(now)

    def _schedule(self, now: datetime, **when: object) -> Schedule:
        number = len(self.instants) + len(self._ever)
        given = {
            "name": f"Drill {number}",
            "prompt": self._chance.choice(WORK),
            "profile": Profile.objects.get(slug="drill"),
            **self._targets,
            **when,
        }
        return schedule_writer.save(Schedule(owner=self._owner), given, now=now)

    def _force(self, now: datetime) -> None:
        try:
            schedule = self._chance.choice(self._ever)
            run_now.execute(schedule, user=self._owner, now=now, force=True, reason="drill")
            self.by_hand += 1
        except (Blocked, CapacityFull, NoScheduler):
            pass

    def _cancel(self, now: datetime) -> None:
        unfinished = list(Run.objects.unfinished().order_by("pk"))
        if not unfinished:
            return
        run = self._chance.choice(unfinished)
        if run.status == RunStatus.RUNNING or not withdraw(run.pk, now=now, reason="drill"):
            request_cancel(run.pk, reason="drill", now=now)


class Answering:
    """Answers every approval request after a moment."""

    def __init__(self, person: User) -> None:
        self.answered = 0
        self._person = person
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answering", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._over.wait(ANSWERS_EVERY_SEC):
            try:
                for approval in Approval.objects.open().order_by("pk")[:5]:
                    approvals.answer(approval.pk, self._person, "Blue.")
                    self.answered += 1
            except Problem:
                continue  # withdrawn meanwhile
            except DatabaseError:
                connection.close()
        connection.close()
