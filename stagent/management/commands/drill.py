"""Play a bad day through, on an install made for it and thrown away, and say which promises were kept.

1. Make a database and a data folder; nothing of this install is touched or read.
2. Run the drill on them: `incident` (2026-04-08 again), `kill` (processes killed at random moments) or
   `cluster` (hosts killed while workers perform what schedulers hand over; DATABASE_URL names a PostgreSQL).
3. Print each promise with its figure; the exit code is 0 if all were kept, else 1.
"""

import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from stagent.ops.drills.throwaway_install import throwaway

SHORT_LEASES = {"SCHEDULE_LEASE_TTL_SEC": "4", "CHAT_LEASE_TTL_SEC": "4"}
DRILLS = {
    "incident": ("stagent.ops.drills.incident", {}),
    "cluster": (
        "stagent.ops.drills.cluster",
        SHORT_LEASES | {"STAGENT_EXECUTOR": "procrastinate", "SCHEDULE_MAX_CONCURRENT": "4"},
    ),
    "kill": ("stagent.ops.drills.kill", SHORT_LEASES | {"SCHEDULE_CHAT_PRESSURE_MAX_DELAY_SEC": "1"}),
}


class Command(BaseCommand):
    help = "Play a bad day through on a throwaway install and say which promises were kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=DRILLS, help="which day")
        parser.add_argument("--rounds", type=int, default=6, help="how many processes are struck")
        parser.add_argument("--minutes", type=float, default=0.0, help="`kill`: strike for so long instead")
        parser.add_argument("--seed", type=int, help="of the chance in it, as an earlier drill printed it")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        """Do the steps of this module's docstring."""
        module, variables = DRILLS[name]
        given = {key: options[key] for key in ("rounds", "minutes", "seed")}
        told = [f"--{key}={value}" for key, value in given.items() if value is not None]
        if "STAGENT_EXECUTOR" in variables and connection.vendor != "postgresql":
            raise CommandError("Workers need PostgreSQL: let DATABASE_URL name a server.")
        with throwaway(**variables) as env:
            command = [sys.executable, "-m", module, *told]
            done = subprocess.run(command, env=env, cwd=settings.BASE_DIR, check=False)  # noqa: S603 - ours
        sys.exit(done.returncode)
