"""Print what webhooks are signed with, for whoever receives them."""

from typing import Any

from django.core.management.base import BaseCommand

from schedules.deliveries.webhook import webhook_secret


class Command(BaseCommand):
    help = "Print the secret that webhooks are signed with; it changes when SECRET_KEY does."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(webhook_secret())
