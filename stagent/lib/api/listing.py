"""Lists: a stretch of the rows that fit the filters, and how many fit in all."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from pydantic import BaseModel, Field, model_validator

from stagent.lib.api.cursors import cursor_after, decode, encode, rows_after, unknown_cursor
from stagent.lib.api.types import Listed
from stagent.lib.db.paging import keys
from stagent.lib.db.rows_by_key import ByKey
from stagent.lib.problems import invalid

MOST_ROWS = 500


class Window(BaseModel):
    """Which stretch of a list; an empty parameter counts as not given."""

    limit: int = Field(default=50, ge=0, le=MOST_ROWS)
    offset: int = Field(default=0, ge=0, le=10_000_000)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value != ""}

    def conditions(self) -> dict[str, Any]:
        """Return the filters that were given, by the names of their parameters."""
        return self.model_dump(exclude_none=True, exclude={"limit", "offset", "cursor", "format"})


class Paged(Window):
    """A stretch of a list that grows: `cursor` goes on where a page ended, whatever has arrived since."""

    cursor: str = Field(default="", max_length=1000, description="The `next` of the page before.")


class Choices(Paged):
    """A stretch of a short list that is mostly read whole."""

    limit: int = Field(default=MOST_ROWS, ge=0, le=MOST_ROWS)


def page[Found: Model, Shown](
    request: HttpRequest,
    asked: Window,
    rows: QuerySet[Found],
    show: Callable[[Sequence[Found]], list[Shown]],
    *,
    read: ByKey[Found] | None = None,
) -> Listed[Shown]:
    """Return the stretch that was asked for; `read` reads its rows where the query is prepared."""
    refuse_unknown(request, type(asked).model_fields)
    cursor = asked.cursor if isinstance(asked, Paged) else ""
    wanted = rows_after(rows, cursor) if cursor else rows
    first = 0 if cursor else asked.offset
    last_one = first + asked.limit
    looked_up = (read.keys if read else keys)(wanted, first, last_one)
    found = read(looked_up) if read else list(wanted.filter(pk__in=looked_up))
    # By the keys, not the rows: one that is deleted between the two queries does not end the list.
    goes_on = isinstance(asked, Paged) and bool(found) and len(looked_up) == asked.limit
    following = cursor_after(rows, found[-1]) if goes_on else None
    return Listed(items=show(found), count=read.count(rows) if read else rows.count(), next=following)


def page_of[Item: BaseModel](
    request: HttpRequest, asked: Paged, name: str, items: Sequence[Item], key: Callable[[Item], list[Any]]
) -> Listed[Item]:
    """Return the stretch that was asked for of a list that is made anew each time.

    `items` are in the order of their keys, which are values of JSON; `name` tells its cursors from others.
    """
    refuse_unknown(request, type(asked).model_fields)
    first = _first_after(decode(name, asked.cursor), items, key) if asked.cursor else asked.offset
    found = list(items[first : first + asked.limit])
    is_full = 0 < asked.limit == len(found)
    return Listed(items=found, count=len(items), next=encode(name, key(found[-1])) if is_full else None)


def _first_after[Item](said: list[Any], items: Sequence[Item], key: Callable[[Item], list[Any]]) -> int:
    try:
        return bisect_right(items, said, key=key)
    except TypeError:
        raise unknown_cursor() from None


def refuse_unknown(request: HttpRequest, known: Any) -> None:
    """Refuse a parameter that we do not know: ignoring a mistyped filter would answer another question."""
    if unknown := [name for name in request.GET if name not in known]:
        text = f"There is no such parameter here; there are {', '.join(known)}."
        raise invalid(dict.fromkeys(unknown, text))
