"""Run the scheduler: reap, tick, drain, maintain, until told to stop.

1. Put --max-concurrent and --lease-ttl over the environment's values, for this process; step back behind
   the web process by --nice, so that who chats comes first on a busy processor too.
2. Pass: settle lapsed leases, record what is due, claim slots for queued runs and start them, prune.
3. Sleep until the next due instant or a bell: a finished run, an enqueued one, a cancel, an edit.
4. SIGTERM or SIGINT: claim nothing more, let runs finish for --grace seconds, then queue them again.
   A second signal does not wait.

Any number of processes may run at once, on any number of machines with one PostgreSQL.
"""

import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from schedules import conf
from schedules.dispatch.loop import GRACE_SEC, Loop
from stagent.lib.db import migrations
from stagent.lib.log.output import LineWriter
from stagent.lib.processes.gc_tuning import tune_thread_switching

OVERRIDES = {"max_concurrent": "SCHEDULE_MAX_CONCURRENT", "lease_ttl": "SCHEDULE_LEASE_TTL_SEC"}

NICE = 5


class Command(BaseCommand):
    help = "Run the scheduler: reap, tick, drain, maintain, until told to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one pass, then wait for the runs it started")
        parser.add_argument(
            "--no-execute", action="store_true", help="tick and reap, but claim and run nothing"
        )
        parser.add_argument(
            "--max-concurrent", type=int, metavar="N", help="the cap, over every other setting of it"
        )
        parser.add_argument(
            "--lease-ttl", type=int, metavar="SEC", help="how long a lease lasts without renewal"
        )
        parser.add_argument(
            "--grace", type=float, metavar="SEC", default=GRACE_SEC, help="for runs to finish on SIGTERM"
        )

        parser.add_argument(
            "--nice", type=int, metavar="N", default=NICE, help="0 to 19; 0: as the web process"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["skip_checks"]:
            self._check_the_database()
        if options["grace"] < 0:
            raise CommandError("--grace is a number of seconds, 0 or more.")
        if options["nice"] not in range(20):
            raise CommandError("--nice is a whole number from 0 to 19.")
        for option, name in OVERRIDES.items():
            if (value := options[option]) is not None:
                self._check(option, name, value)
                conf.overrule(conf.BY_NAME[name], value)
        tune_thread_switching()
        if hasattr(os, "nice") and options["nice"]:
            os.nice(options["nice"])
        loop = Loop(execute=not options["no_execute"], grace_sec=options["grace"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        written = LineWriter(self.stderr)
        written.write(f"Scheduler {loop.holder} is running; Ctrl-C stops it.")
        loop.run(once=options["once"])
        written.write("Scheduler stopped.")

    def _check_the_database(self) -> None:
        """Refuse a database that this code does not fit; one that is away may come back, the loop waits."""
        try:
            missing = migrations.missing_migrations()
        except DatabaseError:
            return
        if missing:
            raise CommandError(f"migrations: {migrations.missing_migrations_message(missing)}")

    @staticmethod
    def _check(option: str, name: str, value: int) -> None:
        key = conf.BY_NAME[name]
        if not key.least <= value <= key.most:
            raise CommandError(
                f"--{option.replace('_', '-')} is a whole number from {key.least} to {key.most}."
            )
