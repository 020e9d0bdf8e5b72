"""Every state against every function that may change it: what is no arrow changes nothing."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, models, transaction

from agents.errors import LeaseLost
from chat.errors import LostRace as ChatQuicker
from schedules.errors import LostRace, NoCapacity
from stagent.lib.problems import Problem

REFUSALS = (
    LeaseLost,
    LostRace,
    ChatQuicker,
    NoCapacity,
    Problem,
    ValueError,
    AssertionError,
    DatabaseError,
    ObjectDoesNotExist,
)

type Arrows = Collection[tuple[str, str, str]]


def targets(arrows: Arrows, before: str, function: str, wanted: str = "") -> set[str]:
    """Return where a function may lead from a state; `wanted` where it is told where to."""
    ends = {str(end) for begin, end, name in arrows if (str(begin), name) == (before, function)}
    return ends & {wanted} if wanted else ends


def attempt(act: Callable[[], Any]) -> None:
    """Try something that may be refused; a refusal undoes all of it."""
    with suppress(*REFUSALS), transaction.atomic():
        act()


def picture(*tables: type[models.Model] | Iterable[models.Model]) -> list[list[dict[str, Any]]]:
    """Return all rows of these tables."""
    return [list(table._default_manager.order_by("pk").values()) for table in tables]  # type: ignore[union-attr]
