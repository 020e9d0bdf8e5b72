"""The first administrator of a new install."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User

NAME = "admin"
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another


class NameTaken(Exception):
    """There is no superuser, and another user is named `admin`."""


@dataclass(frozen=True)
class FirstUser:
    """The user to sign in as; `password` is empty if the operator chose it."""

    name: str
    password: str


def make_admin(chosen_password: str) -> FirstUser | None:
    """Create the administrator if there is no superuser; None if there is. Raises NameTaken."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    if User.objects.filter(username=NAME).exists():
        raise NameTaken
    password = chosen_password or make_up_password()
    User.objects.create_superuser(NAME, "", password)
    return FirstUser(NAME, "" if chosen_password else password)


def make_up_password() -> str:
    """Return four groups of four letters and digits: 80 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
