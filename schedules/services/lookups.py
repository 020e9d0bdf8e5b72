"""Rows by their opaque ids. An unknown or malformed id raises a 404 that names the object."""

from django.db.models import OuterRef, QuerySet, Subquery

from schedules.models import Firing, Run, Schedule
from stagent.lib.api.types import parse_id
from stagent.lib.problems import Problem
from stagent.lib.text import clip


def schedules() -> QuerySet[Schedule]:
    """Return the schedules with everything that their API rows show."""
    return Schedule.objects.select_related("profile", "owner")


def runs() -> QuerySet[Run]:
    """Return the runs with everything that their API rows show."""
    return Run.objects.select_related("schedule", "profile")


def firings() -> QuerySet[Firing]:
    """Return the firings, each with the id of its run. Not by a join, which a count would keep."""
    return Firing.objects.annotate(
        run_id=Subquery(Run.objects.filter(firing=OuterRef("pk")).values("pk")[:1])
    )


def schedule(schedule_id: str) -> Schedule:
    return _one(schedules(), "schedule", schedule_id)


def run(run_id: str) -> Run:
    return _one(runs(), "run", run_id)


def firing(firing_id: str) -> Firing:
    return _one(firings(), "firing", firing_id)


def missing(what: str, opaque: str) -> Problem:
    return Problem(404, f"{what}_not_found", f"There is no {what} {clip(opaque, 80)!r}.")


def _one[Kind: (Schedule, Run, Firing)](rows: QuerySet[Kind], what: str, opaque: str) -> Kind:
    key = parse_id(opaque)
    found = None if key is None else rows.filter(pk=key).first()
    if found is None:
        raise missing(what, opaque)
    return found
