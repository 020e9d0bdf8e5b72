"""Saving and clearing settings: the one way of the console's page and the API."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from schedules.conf import Key
from schedules.models import Setting
from stagent.lib import bell, journal


def fault(key: Key, text: str) -> str:
    """Say what is wrong with a value; nothing when it may be saved."""
    plain = key.is_switch or (text.isascii() and text.isdecimal() and len(text) < 10)
    if not plain or key.read(text) is None:
        return f"{text!r} is not {key.takes}; nothing was changed."
    return ""


def save(key: Key, text: str, user: AbstractBaseUser | None) -> str:
    """Save a value that has no fault, wake the schedulers, and say what it is now."""
    number = key.read(text)
    shown = key.show(number or 0)
    with transaction.atomic():
        setting, _ = Setting.objects.update_or_create(key=key.name, defaults={"value": shown})
        journal.note(user, setting, journal.CHANGE, f"Set to {shown}.")
        bell.ring()
    return shown


def clear(key: Key, user: AbstractBaseUser | None) -> bool:
    """Forget a saved value; tell whether there was one."""
    with transaction.atomic():
        setting = Setting.objects.filter(key=key.name).first()
        if setting is None:
            return False
        journal.note(user, setting, journal.DELETION, f"Cleared; it was {setting.value}.")
        setting.delete()
        bell.ring()
    return True
