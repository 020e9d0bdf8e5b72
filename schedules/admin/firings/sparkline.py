"""The last firings of a schedule as bars: height for duration, colour for result."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import OuterRef, Q, Subquery
from django.utils.safestring import SafeString

from schedules.admin.badges import RESULT_TONES, firing_result
from schedules.models import Firing, Schedule
from stagent.lib.web import formatting, svg_charts
from stagent.lib.web.svg_charts import Bar

LENGTH = 20
LOWEST, HIGHEST = 25, 100  # of a bar, in percent
MISSING = Bar("no firing yet", [("not-yet", 6)])
COLUMNS = ("schedule_id", "nominal_at", "outcome", "failure_reason", "completed_at", "duration_ms", "reason")


def recent_firings(schedule_ids: Iterable[int]) -> dict[int, list[Firing]]:
    """Return the last firings of each schedule, oldest first, in two queries for all schedules."""
    ids = list(schedule_ids)
    rows = Firing.objects.filter(_recent(ids)).order_by("nominal_at", "pk").only(*COLUMNS) if ids else []
    by_schedule: dict[int, list[Firing]] = {number: [] for number in ids}
    for firing in rows:
        assert firing.schedule_id is not None
        by_schedule[firing.schedule_id].append(firing)
    return {number: firings[-LENGTH:] for number, firings in by_schedule.items()}


def _recent(ids: list[int]) -> Q:
    """Match firings no older than the 20th newest of their schedule, so that the query uses the index."""
    newest = Firing.objects.filter(schedule=OuterRef("pk")).order_by("-nominal_at").values("nominal_at")
    since = Schedule.objects.filter(pk__in=ids).annotate(since=Subquery(newest[LENGTH - 1 : LENGTH]))
    matching = Q(pk__in=[])
    for number, moment in since.values_list("pk", "since"):
        matching |= Q(schedule=number, nominal_at__gte=moment) if moment else Q(schedule=number)
    return matching


def draw(firings: list[Firing]) -> SafeString:
    """Draw the bars; the width of a bar does not depend on their number."""
    if not firings:
        return formatting.EMPTY
    longest = max((firing.duration_ms or 0 for firing in firings), default=0) or 1
    missing = [MISSING] * (LENGTH - len(firings))
    counted = Counter(firing_result(firing) for firing in firings)
    label = f"The last {len(firings)} firings: " + ", ".join(
        f"{number} {result}" for result, number in counted.items()
    )
    return svg_charts.bars(
        [*missing, *(_bar(firing, longest) for firing in firings)], label, css="spark", top=HIGHEST
    )


def _bar(firing: Firing, longest: int) -> Bar:
    result = firing_result(firing)
    took = f", took {formatting.duration_text(firing.duration_ms)}" if firing.duration_ms is not None else ""
    why = f" ({firing.failure_reason or firing.reason})" if firing.failure_reason or firing.reason else ""
    height = LOWEST + (HIGHEST - LOWEST) * (firing.duration_ms or 0) / longest
    title = f"{formatting.exact(firing.nominal_at)}: {result}{took}{why}"
    return Bar(title, [(RESULT_TONES.get(result, "calm"), height)])
