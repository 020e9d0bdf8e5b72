"""List filters that need more than a column value."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from schedules.dashboard import day
from schedules.models import Firing, Schedule
from schedules.models.firing import reaching
from stagent.lib.api.types import parse_id

MAX_NAMED = 30  # schedules in the filter; the others are found by search


class AttentionFilter(admin.SimpleListFilter):
    """Schedules that need attention."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("itself", "paused automatically"), ("streak", "failing or at the step limit")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> QuerySet[Schedule]:
        match self.value():
            case "itself":
                return queryset & Schedule.objects.paused_themselves()
            case "streak":
                return queryset.filter(Q(failure_streak__gt=0) | Q(turn_budget_breach_streak__gt=0))
            case _:
                return queryset


class OutcomeFilter(admin.SimpleListFilter):
    """Firings by result, with the categories of the dashboard."""

    title = "result"
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(day.RESULTS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Firing]) -> QuerySet[Firing]:
        return (
            queryset.alias(result=day.RESULT).filter(result=self.value())
            if self.value() in day.RESULTS
            else queryset
        )


class DayFilter(admin.DateFieldListFilter):
    """Django's date filter, titled “day”."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day"


class InstantFilter(DayFilter):
    """Firings by day. A row that covers several instants matches if any of them does."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Firing]) -> QuerySet[Firing]:
        since = self.used_parameters.get(self.lookup_kwarg_since)
        if not since:
            return cast(QuerySet[Firing], super().queryset(request, queryset))
        other_parameters: Any = {
            name: value for name, value in self.used_parameters.items() if name != self.lookup_kwarg_since
        }
        moment: Any = since[-1] if isinstance(since, list) else since
        try:
            found: QuerySet[Firing] = queryset.filter(build_q_object_from_lookup_parameters(other_parameters))
            return found.filter(reaching(moment))
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error


class ScheduleListFilter(admin.SimpleListFilter):
    """Rows of one schedule. It lists the schedules that fired last; a link can select any other."""

    title = "schedule"
    parameter_name = "schedule__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        recent = Schedule.objects.order_by("-last_fired_at", "pk").exclude(last_fired_at=None)
        named = list(recent.values_list("pk", "name")[:MAX_NAMED])
        chosen = request.GET.get(self.parameter_name, "")
        if (pk := parse_id(chosen)) is not None and pk not in dict(named):
            named = [*Schedule.objects.filter(pk=pk).values_list("pk", "name"), *named]
        return [(str(pk), name) for pk, name in sorted(named, key=lambda pair: pair[1].casefold())]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        pk = parse_id(self.value() or "")
        return queryset if pk is None else queryset.filter(schedule=pk)
