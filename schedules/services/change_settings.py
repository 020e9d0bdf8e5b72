"""Saving and clearing settings: the one way of the console's page and the API."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from schedules.conf import Key
from schedules.models import Setting
from stagent.lib import wakeup
from stagent.lib.api.versions import ANY, ExpectedVersions, digest_of
from stagent.lib.log import audit_log


def fault(key: Key, text: str) -> str:
    """Say what is wrong with a value; nothing when it may be saved."""
    plain = key.is_switch or (text.isascii() and text.isdecimal() and len(text) < 10)
    if not plain or key.read(text) is None:
        return f"{text!r} is not {key.takes}; nothing was changed."
    return ""


def version(key: Key, saved: str | None) -> str:
    """Return what If-Match takes for a setting with this saved value; None: it has none."""
    return digest_of(key.name, saved or None)


def save(key: Key, text: str, user: AbstractBaseUser | None, expected: ExpectedVersions = ANY) -> str:
    """Save a value that has no fault, wake the schedulers, and say what it is now."""
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
    """Forget a saved value if the setting is as expected; tell whether there was one."""
    with transaction.atomic():
        setting = _held(key)
        expected.require(version(key, setting.value))
        if was := setting.value:
            audit_log.record(user, setting, audit_log.DELETION, f"Cleared; it was {was}.")
            wakeup.notify()
        setting.delete()
    return bool(was)


def _held(key: Key) -> Setting:
    """Lock the row of a setting; one that was never saved gets an empty row, so that there is one to lock."""
    setting, _ = Setting.objects.select_for_update().get_or_create(key=key.name, defaults={"value": ""})
    return setting
