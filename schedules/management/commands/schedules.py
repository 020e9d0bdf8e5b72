"""Keep schedules in a file.

1. Read the file; each mistake is told with its line and field, and nothing is done.
2. Find each schedule by its key, or else by its name within its project; compare all its fields with what
   the file says.
3. Make the differences in one transaction, through the doors of the API, and print them.
"""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User

from schedules.schedule_file import match, plan, render_plan, serialize
from schedules.services.actor import Actor
from stagent.lib import clock
from stagent.lib.yaml_file.command import FileCommand
from stagent.lib.yaml_file.reader import read

DOOR = "manage.py schedules"


class Command(FileCommand):
    help = "Keep schedules in a YAML file: export them, plan what a file would change, apply it."
    rows = "schedules"
    prune_help = "pause the schedules that the file does not name"
    owner_help = "who owns new ones, "

    def add_export_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--keys", action="store_true", help="with a key for each, so that it can be renamed in the file"
        )

    def export(self, options: dict[str, Any]) -> str:
        schedules = match.load_existing().schedules
        given = match.keys_of(schedules, everybody=options["keys"])
        for schedule in schedules:
            schedule.key = given.get(schedule.pk, schedule.key)
        return serialize.render([serialize.fields_of(schedule) for schedule in schedules])

    def apply_file(self, text: str, user: User, *, prune: bool) -> bool:
        now, actor = clock.now(), Actor(user, DOOR)
        planned = plan.plan(read(text, serialize.ROOT), now, prune=prune)
        for change, warnings in plan.apply(planned, actor, now):
            for warning in warnings:
                self.stderr.write(f"! {change.place[1]}: {warning}")
        for line in render_plan.lines(planned):
            self.stdout.write(line)
        return bool(planned.changes)
