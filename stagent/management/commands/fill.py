"""Fill an install with a realistic month of work, to try and to measure it.

1. Refuse if anything is scheduled, unless confirmed.
2. Write schedules, firings, runs, conversations and messages in bulk.
"""

import time
from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from schedules.models import Firing, Run, Schedule
from stagent.lib import clock
from stagent.ops.sample_data import Size, fill


class Command(BaseCommand):
    help = (
        "Fill an install with a plausible month of work, to try and to measure. Not for one that is in use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--schedules", type=int, default=100)
        parser.add_argument("--firings", type=int, default=10_000)
        parser.add_argument("--runs", type=int, default=1_000, help="of the newest firings; at most as many")
        parser.add_argument("--conversations", type=int, default=20, help="of the first administrator")
        parser.add_argument("--messages", type=int, default=400, help="in all of them, two each at least")
        parser.add_argument("--yes", action="store_true", help="though there is something in it already")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        size = Size(**{field.name: options[field.name] for field in fields(Size)})
        if size.schedules < 1 or not 0 <= size.runs <= size.firings:
            raise CommandError("There must be a schedule at least, and no more runs than firings.")
        if not yes and any(model.objects.exists() for model in (Schedule, Firing, Run)):
            raise CommandError(
                "Something is scheduled here already. With --yes the made-up is mixed with it."
            )
        began = time.monotonic()
        fill(size, clock.now(), self._print)
        self.stdout.write(f"Filled in {time.monotonic() - began:.0f} s.")

    def _print(self, text: str) -> None:
        self.stderr.write(text)
