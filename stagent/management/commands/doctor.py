"""Check everything this install needs.

1. Check versions, data folder, provider and broadcast, then the database and what depends on it.
2. Print a line for each.
3. Exit with 1 if something does not work; a warning is not a failure.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from stagent.lib import clock
from stagent.ops.doctor import checks
from stagent.ops.health import Level


class Command(BaseCommand):
    help = (
        "Look at everything this install needs and say how it stands; exit with 1 where a part does not work."
    )
    requires_system_checks: list[str] = []  # the doctor sees every patient

    def handle(self, *args: Any, **options: Any) -> None:
        colours = {Level.OK: self.style.SUCCESS, Level.WARN: self.style.WARNING, Level.FAIL: self.style.ERROR}
        found = []
        for finding in checks.examine(clock.now):
            found.append(finding.level)
            self.stdout.write(
                f"{colours[finding.level](f'{finding.level:<4}')}  {finding.part:<11}  {finding.detail}"
            )
        if failed := found.count(Level.FAIL):
            self.stderr.write(f"{failed} of {len(found)} do not work.")
            sys.exit(1)
