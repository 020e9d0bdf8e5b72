"""Checks of notifications, deliveries, and the agreement between runs, replies and ledger."""

from datetime import datetime, timedelta
from itertools import islice

from schedules import checks
from schedules.models import Delivery
from schedules.monitoring import notices
from stagent.ops import audit
from stagent.ops.health import Finding, Level

LATELY = timedelta(hours=24)
MOST_DIFFERENCES = 20  # that are counted
NOBODY = "nobody is told of trouble (set STAGENT_NOTIFY_EMAIL, STAGENT_NOTIFY_WEBHOOK)"
FITS = {
    Delivery.Channel.EMAIL: checks.is_mail_address,
    Delivery.Channel.WEBHOOK: checks.is_web_address,
}


def operators(now: datetime) -> Finding:
    """Report who receives notices."""
    told = notices.targets()
    if wrong := [channel for channel, address in told.items() if not FITS[channel](address)]:
        return Finding(
            "notices", Level.WARN, f"no address to tell by {' and '.join(wrong)}; see manage.py check"
        )
    if Delivery.Channel.EMAIL in told and checks.has_no_mail_server():
        return Finding("notices", Level.WARN, "mail goes to the log (set EMAIL_HOST)")
    return Finding("notices", Level.OK, f"told by {' and '.join(told)}" if told else NOBODY)


def deliveries(now: datetime) -> Finding:
    """Check for failed deliveries."""
    failed = Delivery.objects.filter(status=Delivery.Status.FAILED, created_at__gte=now - LATELY)
    again = Delivery.objects.filter(status=Delivery.Status.PENDING, attempts__gt=0).exclude(last_error="")
    lost, late = failed.count(), again.count()
    if not lost and not late:
        return Finding("deliveries", Level.OK, "none has failed lately")
    channel, error = (failed | again).order_by("-pk").values_list("channel", "last_error")[0]
    says = f"{lost} failed within a day, {late} to be tried again; the last, by {channel}: {error}"
    return Finding("deliveries", Level.WARN, says)


def books(now: datetime) -> Finding:
    """Compare what several places store about each run and reply of the last day."""
    found = list(islice(audit.differences(now - LATELY), MOST_DIFFERENCES + 1))
    if not found:
        return Finding("audit", Level.OK, "runs and replies agree with ledger, logs and deliveries")
    number = f"more than {MOST_DIFFERENCES}" if len(found) > MOST_DIFFERENCES else f"{len(found)}"
    return Finding("audit", Level.WARN, f"{number} differences within a day; the first: {found[0]}")
