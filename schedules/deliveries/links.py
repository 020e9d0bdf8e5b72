"""Where people outside find what they were told about."""

from django.conf import settings
from django.urls import reverse


def page_of(schedule_id: int | None) -> str:
    """Return the address of a schedule's page, the console's where it is about none.

    Empty without a STAGENT_PUBLIC_URL to begin it with.
    """
    base = settings.STAGENT_PUBLIC_URL.rstrip("/")
    if schedule_id is None:
        return base + reverse("admin:index") if base else ""
    return base + reverse("admin:schedules_schedule_change", args=[schedule_id]) if base else ""
