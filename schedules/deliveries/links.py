"""Links in deliveries."""

from django.conf import settings
from django.urls import reverse


def page_of(schedule_id: int | None) -> str:
    """Return the URL of a schedule's page; without a schedule, the console's.

    Empty without STAGENT_PUBLIC_URL.
    """
    base = settings.STAGENT_PUBLIC_URL.rstrip("/")
    if schedule_id is None:
        return base + reverse("admin:index") if base else ""
    return base + reverse("admin:schedules_schedule_change", args=[schedule_id]) if base else ""
