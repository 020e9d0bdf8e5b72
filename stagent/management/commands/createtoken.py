"""Create an API token for a user and print only the token."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from stagent.lib import clock
from stagent.models import ApiToken


class Command(BaseCommand):
    help = "Make an API token for a user and print it, alone, on standard output. It is not shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user name it stands for")
        parser.add_argument("--name", default="made by createtoken", help="what it is for")
        parser.add_argument("--days", type=int, help="how long it lasts; without, until it is revoked")

    def handle(self, *args: Any, user: str, name: str, days: int | None, **options: Any) -> None:
        """Find the user, issue the token, print it."""
        now = clock.now()
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("--days must be from 1 to 36500.")
        expires_at = None if days is None else now + timedelta(days=days)
        _, secret = ApiToken.objects.issue(_find(user), name, now=now, expires_at=expires_at)
        self.stdout.write(secret)


def _find(name: str) -> User:
    owner = User.objects.filter(username=name).first()
    if owner is None:
        known = ", ".join(User.objects.order_by("pk").values_list("username", flat=True)[:5])
        hint = f"There are: {known}" if known else "There are none yet; `manage.py up` makes admin"
        raise CommandError(f"There is no user {name!r}. {hint}.")
    if not owner.is_active:
        raise CommandError(f"The user {name!r} is not active, so a token would open nothing.")
    return owner
