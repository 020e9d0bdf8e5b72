"""Print the secret that signs the webhooks of a schedule."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.tools.base import ToolError
from schedules.agent_tools.context import WHERE, find_schedule
from schedules.deliveries.webhook import webhook_secret


class Command(BaseCommand):
    help = "Print the secret that a schedule's webhook is signed with; it changes when SECRET_KEY does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("schedule", nargs="?", help="its id or its name")
        whose.add_argument("--notices", action="store_true", help="of what STAGENT_NOTIFY_WEBHOOK is told")

    def handle(self, *args: Any, schedule: str | None, notices: bool, **options: Any) -> None:
        if notices or schedule is None:
            return self.stdout.write(webhook_secret(None))
        try:
            found = find_schedule(schedule)
        except ToolError as error:
            raise CommandError(
                str(error).replace(WHERE, " `manage.py schedules export` lists them.")
            ) from None
        return self.stdout.write(webhook_secret(found.pk))
