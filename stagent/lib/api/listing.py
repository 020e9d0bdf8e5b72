"""List endpoints: filters, one page of rows, and the total count."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from pydantic import BaseModel, Field, model_validator

from stagent.lib.api.cursors import cursor_after, decode, encode, rows_after, unknown_cursor
from stagent.lib.api.types import CursorPage
from stagent.lib.db.paging import slice_keys
from stagent.lib.db.rows_by_key import SelectByKeys
from stagent.lib.problems import invalid

MAX_ROWS = 500


class PageQuery(BaseModel):
    """Query parameters that choose a page; an empty parameter counts as absent."""

    limit: int = Field(default=50, ge=0, le=MAX_ROWS)
    offset: int = Field(default=0, ge=0, le=10_000_000)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value != ""}

    def conditions(self) -> dict[str, Any]:
        """Return the given filters by parameter name."""
        return self.model_dump(exclude_none=True, exclude={"limit", "offset", "cursor", "format"})


class CursorQuery(PageQuery):
    """A page of a list that grows: `cursor` continues where the previous page ended."""

    cursor: str = Field(default="", max_length=1000, description="The `next` of the page before.")


class ShortListQuery(CursorQuery):
    """A page of a short list, which is usually read whole."""

    limit: int = Field(default=MAX_ROWS, ge=0, le=MAX_ROWS)


def paginate[Row: Model, Schema](
    request: HttpRequest,
    query: PageQuery,
    rows: QuerySet[Row],
    serialize: Callable[[Sequence[Row]], list[Schema]],
    *,
    select: SelectByKeys[Row] | None = None,
) -> CursorPage[Schema]:
    """Return the requested page. `select` loads its rows with a prepared query; without it, the ORM does."""
    reject_unknown_parameters(request, type(query).model_fields)
    cursor = query.cursor if isinstance(query, CursorQuery) else ""
    page_rows = rows_after(rows, cursor) if cursor else rows
    start = 0 if cursor else query.offset
    end = start + query.limit
    page_keys = (select.keys if select else slice_keys)(page_rows, start, end)
    loaded = select(page_keys) if select else list(page_rows.filter(pk__in=page_keys))
    # Counts the keys, not the rows: a row deleted between the two queries must not end the list.
    has_next = isinstance(query, CursorQuery) and bool(loaded) and len(page_keys) == query.limit
    next_cursor = cursor_after(rows, loaded[-1]) if has_next else None
    return CursorPage(
        items=serialize(loaded), count=select.count(rows) if select else rows.count(), next=next_cursor
    )


def paginate_items[Item: BaseModel](
    request: HttpRequest,
    query: CursorQuery,
    name: str,
    items: Sequence[Item],
    key: Callable[[Item], list[Any]],
) -> CursorPage[Item]:
    """Return the requested page of a list that is computed for each request.

    `items` are sorted by `key`, which returns JSON values; `name` identifies the list's cursors.
    """
    reject_unknown_parameters(request, type(query).model_fields)
    start = _first_after(decode(name, query.cursor), items, key) if query.cursor else query.offset
    loaded = list(items[start : start + query.limit])
    is_full_page = 0 < query.limit == len(loaded)
    return CursorPage(
        items=loaded, count=len(items), next=encode(name, key(loaded[-1])) if is_full_page else None
    )


def _first_after[Item](position: list[Any], items: Sequence[Item], key: Callable[[Item], list[Any]]) -> int:
    try:
        return bisect_right(items, position, key=key)
    except TypeError:
        raise unknown_cursor() from None


def reject_unknown_parameters(request: HttpRequest, known: Any) -> None:
    """Raise a Problem for an unknown parameter: ignoring a misspelled filter would return wrong rows."""
    if unknown := [name for name in request.GET if name not in known]:
        text = f"Unknown parameter. Allowed: {', '.join(known)}."
        raise invalid(dict.fromkeys(unknown, text))
