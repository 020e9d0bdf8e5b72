"""Detects schedules whose runs lately take more or fewer steps than before."""

from statistics import median

from schedules.models import Run, Schedule

LATEST = 5  # runs whose median is compared
EARLIER = 30  # with the median of up to this many before them
MIN_EARLIER = 5  # earlier runs needed for a comparison
DRIFT_FACTOR = 1.5


def drift(schedule: Schedule) -> str:
    """Describe how the median of the latest runs differs from earlier ones; empty without drift."""
    ended = Run.objects.worked_to_the_end().filter(schedule=schedule)
    counts = list(ended.order_by("-queued_at").values_list("turn_count", flat=True)[: LATEST + EARLIER])
    latest, earlier = counts[:LATEST], counts[LATEST:]
    if len(latest) < LATEST or len(earlier) < MIN_EARLIER:
        return ""
    now, before = median(latest), median(earlier)
    if before / DRIFT_FACTOR <= now <= before * DRIFT_FACTOR:
        return ""
    direction = "more" if now > before else "fewer"
    return f"The last {LATEST} runs took {now:g} steps (median), {direction} than the {before:g} before."
