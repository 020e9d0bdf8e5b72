"""Saves and clears settings; shared by the console and the API."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from schedules.conf import Key
from schedules.models import Setting
from stagent.lib import wakeup
from stagent.lib.api.versions import ANY, ExpectedVersions, digest_of
from stagent.lib.log import audit_log


def fault(key: Key, text: str) -> str:
    """Return what is wrong with a value; empty if it can be saved."""
    plain = key.is_switch or (text.isascii() and text.isdecimal() and len(text) < 10)
    if not plain or key.read(text) is None:
        return f"{text!r} is not {key.takes}; nothing was changed."
    return ""


def version(key: Key, saved: str | None) -> str:
    """Return the If-Match value of a setting with this saved value; None if nothing is saved."""
    return digest_of(key.name, saved or None)


def save(key: Key, text: str, user: AbstractBaseUser | None, expected: ExpectedVersions = ANY) -> str:
    """Save a valid value, notify the schedulers, and return the setting."""
    number = key.read(text)
    shown = key.show(number or 0)
    with transaction.atomic():
        setting = _held(key)
        expected.require(version(key, setting.value))
        setting.value = shown
        setting.save()
        audit_log.record(user, setting, audit_log.CHANGE, f"Set to {shown}.")
        wakeup.notify()
    return shown


def clear(key: Key, user: AbstractBaseUser | None, expected: ExpectedVersions = ANY) -> bool:
    """Delete a saved value if the setting has the expected version; return whether there was one."""
    with transaction.atomic():
        setting = _held(key)
        expected.require(version(key, setting.value))
        if was := setting.value:
            audit_log.record(user, setting, audit_log.DELETION, f"Cleared; it was {was}.")
            wakeup.notify()
        setting.delete()
    return bool(was)


def _held(key: Key) -> Setting:
    """Lock the row of a setting. One that was never saved gets an empty row to lock."""
    setting, _ = Setting.objects.select_for_update().get_or_create(key=key.name, defaults={"value": ""})
    return setting
