"""The one door for notices: opened once per cause and told outside, counted up, acknowledged, closed."""

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
    """Open a notice and post it to the operators, or keep the open one up to date; tell whether it is new."""
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
    """Tell that a schedule has paused itself, or count it in with those that did for the same reason."""
    cause = f"{SELF_PAUSE}{schedule.last_failure_reason}"
    earlier = Notice.objects.open().select_for_update().filter(cause=cause).first()
    number = earlier.count + 1 if earlier else 1
    last = f"“{schedule.name}” paused itself: {why}"
    text = f"{number} schedules paused themselves. The last one: {last}" if earlier else last
    return open_notice(cause, Notice.Kind.SELF_PAUSE, text, now, count=number)


def notify_missed_one_shot(firing: Firing, now: datetime) -> bool:
    """Tell that a one-shot did not run until it expired; its notice has the button that runs it now."""
    cause = f"{ONE_SHOT}{firing.schedule_id}:{firing.nominal_at:%Y%m%dT%H%M%S}"
    due = timezone.localtime(firing.nominal_at, timezone.get_default_timezone())
    text = (
        f"“{firing.schedule_name}” was due once, at {due:%Y-%m-%d %H:%M %Z}, and did not run. {firing.reason}"
    )
    return open_notice(cause, Notice.Kind.MISSED, text, now, schedule_id=firing.schedule_id)


def close_missed_one_shot(schedule_id: int, now: datetime) -> None:
    """Close the notice of a one-shot that a clock which was ahead took for missed."""
    Notice.objects.open().filter(cause__startswith=f"{ONE_SHOT}{schedule_id}:").update(closed_at=now)


def notify_corrected(text: str, number: int, now: datetime) -> bool:
    """Tell that next firings were corrected, or count them in with those before."""
    earlier = Notice.objects.open().filter(cause=CORRECTED).first()
    count = number + (earlier.count if earlier else 0)
    return open_notice(CORRECTED, Notice.Kind.NEXT_FIRING, text, now, count=count)


def close(cause: str, now: datetime) -> None:
    """Close the notice of a cause: it is over."""
    Notice.objects.open().filter(cause=cause).update(closed_at=now)


def acknowledge(number: int, user: AbstractBaseUser, now: datetime) -> bool:
    """Write that somebody has seen it; a further one of what happened by then is news."""
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
    """Return where the operators are told: an address for each channel that has one."""
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
