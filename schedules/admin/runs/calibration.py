"""Whether a schedule lately takes other numbers of steps than it used to."""

from statistics import median

from schedules.models import Run, Schedule

LATEST = 5  # runs whose median is compared …
EARLIER = 30  # … with the median of up to so many before them
ENOUGH = 5  # earlier runs without which nothing is said
FAR = 1.5  # times more or less is drift


def drift(schedule: Schedule) -> str:
    """Say how the median of the latest runs differs from those before; nothing when it does not."""
    ended = Run.objects.worked_to_the_end().filter(schedule=schedule)
    counts = list(ended.order_by("-queued_at").values_list("turn_count", flat=True)[: LATEST + EARLIER])
    latest, earlier = counts[:LATEST], counts[LATEST:]
    if len(latest) < LATEST or len(earlier) < ENOUGH:
        return ""
    now, before = median(latest), median(earlier)
    if before / FAR <= now <= before * FAR:
        return ""
    direction = "more" if now > before else "fewer"
    return f"Its latest {LATEST} runs took {now:g} steps (median), {direction} than the {before:g} before."
