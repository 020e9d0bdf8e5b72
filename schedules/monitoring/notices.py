"""Notices: opened once per cause and delivered to operators, counted, acknowledged, closed. Only this module
writes them.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from schedules.models import Delivery, Firing, Notice, Schedule
from schedules.models.notice import LONGEST_NOTICE
from stagent.lib.log import audit_log
from stagent.lib.text import clip

SELF_PAUSE = "self_pause:"  # and the reason of the last failure: what breaks for many is told once
ONE_SHOT = "one_shot:"
CORRECTED = "next_firing"
OVER_ONCE_SEEN = (Notice.Kind.MISSED, Notice.Kind.NEXT_FIRING, Notice.Kind.SELF_PAUSE)


def open_notice(cause: str, kind: Notice.Kind, text: str, now: datetime, **columns: Any) -> bool:
    """Open a notice and deliver it, or update the open one; return whether it is new."""
    news = {"text": clip(text, LONGEST_NOTICE), "last_at": now} | columns
    if Notice.objects.open().filter(cause=cause).update(**news):
        return False
    try:
        with transaction.atomic():
            _post(Notice.objects.create(cause=cause, kind=kind, first_at=now, **news), now)
    except IntegrityError:  # another process was quicker
        return False
    return True


def notify_self_pause(schedule: Schedule, why: str, now: datetime) -> bool:
    """Open the notice of a self-pause, or add it to those with the same reason."""
    cause = f"{SELF_PAUSE}{schedule.last_failure_reason}"
    earlier = Notice.objects.open().select_for_update().filter(cause=cause).first()
    number = earlier.count + 1 if earlier else 1
    last = f"“{schedule.name}” paused itself: {why}"
    text = f"{number} schedules paused themselves. The last one: {last}" if earlier else last
    return open_notice(cause, Notice.Kind.SELF_PAUSE, text, now, count=number)


def notify_missed_one_shot(firing: Firing, now: datetime) -> bool:
    """Open the notice of an expired one-shot; it has a button to run it now."""
    cause = f"{ONE_SHOT}{firing.schedule_id}:{firing.nominal_at:%Y%m%dT%H%M%S}"
    due = timezone.localtime(firing.nominal_at, timezone.get_default_timezone())
    text = (
        f"“{firing.schedule_name}” was due once, at {due:%Y-%m-%d %H:%M %Z}, and did not run. {firing.reason}"
    )
    return open_notice(cause, Notice.Kind.MISSED, text, now, schedule_id=firing.schedule_id)


def close_missed_one_shot(schedule_id: int, now: datetime) -> None:
    """Close the notice of a one-shot that only a fast clock had marked as missed."""
    Notice.objects.open().filter(cause__startswith=f"{ONE_SHOT}{schedule_id}:").update(closed_at=now)


def notify_corrected(text: str, number: int, now: datetime) -> bool:
    """Open the notice of corrected next firings, or add them to the open one."""
    earlier = Notice.objects.open().filter(cause=CORRECTED).first()
    count = number + (earlier.count if earlier else 0)
    return open_notice(CORRECTED, Notice.Kind.NEXT_FIRING, text, now, count=count)


def close(cause: str, now: datetime) -> None:
    """Close the notice of a cause."""
    Notice.objects.open().filter(cause=cause).update(closed_at=now)


def acknowledge(number: int, user: AbstractBaseUser, now: datetime) -> bool:
    """Acknowledge a notice; a later event opens a new one."""
    with transaction.atomic():
        unseen = Notice.objects.unseen().filter(pk=number)
        if not unseen.update(acknowledged_by=user, acknowledged_at=now):
            return False
        notice = Notice.objects.get(pk=number)
        if notice.kind in OVER_ONCE_SEEN:
            close(notice.cause, now)
        audit_log.record(user, notice, audit_log.CHANGE, "Acknowledged.")
    return True


def targets() -> dict[Delivery.Channel, str]:
    """Return the operators' target of each channel."""
    addresses = {
        Delivery.Channel.EMAIL: settings.STAGENT_NOTIFY_EMAIL,
        Delivery.Channel.WEBHOOK: settings.STAGENT_NOTIFY_WEBHOOK,
    }
    return {channel: address for channel, address in addresses.items() if address}


def _post(notice: Notice, now: datetime) -> None:
    news = {
        "type": Delivery.Kind.NOTICE,
        "notice_id": str(notice.pk),
        "kind": notice.kind,
        "cause": notice.cause,
        "text": notice.text,
        "count": notice.count,
        "first_at": notice.first_at.isoformat(),
    }
    common = {"notice": notice, "kind": Delivery.Kind.NOTICE, "payload": news}
    Delivery.objects.bulk_create(
        Delivery(channel=channel, target=target, created_at=now, next_attempt_at=now, **common)
        for channel, target in targets().items()
    )
