"""The first administrator, so that a new install can be signed in to."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User

NAME = "admin"
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another


class NameTaken(Exception):
    """There is no superuser, and the name `admin` belongs to somebody who is none."""


@dataclass(frozen=True)
class FirstUser:
    """Whom to sign in as; `password` is empty where the operator chose it and knows it."""

    name: str
    password: str


def make_admin(chosen_password: str) -> FirstUser | None:
    """Make the administrator if there is no superuser yet; None if there is. Raises NameTaken."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    if User.objects.filter(username=NAME).exists():
        raise NameTaken
    password = chosen_password or make_up_password()
    User.objects.create_superuser(NAME, "", password)
    return FirstUser(NAME, "" if chosen_password else password)


def make_up_password() -> str:
    """Return four groups of four letters and digits: 80 bits, and still fit to be typed."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
