"""Where people outside find the page of a schedule."""

from django.conf import settings
from django.urls import reverse


def page_of(schedule_id: int) -> str:
    """Return the address of a schedule's page; empty without a STAGENT_PUBLIC_URL to begin it with."""
    base = settings.STAGENT_PUBLIC_URL.rstrip("/")
    return base + reverse("admin:schedules_schedule_change", args=[schedule_id]) if base else ""
