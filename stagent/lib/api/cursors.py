"""Cursors: the position at which a page of a list ended, as opaque text. New rows do not shift later
pages.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from stagent.lib.api.types import check_storable
from stagent.lib.problems import Problem, invalid

UNKNOWN_CURSOR = "Unknown cursor: send the `next` of the previous page of this list."


def cursor_after(rows: QuerySet[Any], last: Model) -> str:
    """Return the cursor of the page after this row."""
    return encode(_list_name(rows), [_to_json(getattr(last, field.attname)) for field, _ in _ordering(rows)])


def rows_after[Row: Model](rows: QuerySet[Row], cursor: str) -> QuerySet[Row]:
    """Return the rows after a cursor, in the order of the list."""
    order = _ordering(rows)
    position = decode(_list_name(rows), cursor)
    try:
        values = [_parse(field, value) for (field, _), value in zip(order, position, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError):
        raise unknown_cursor() from None
    after, equal = Q(pk__in=[]), Q()
    for (field, descending), value in zip(order, values, strict=True):
        after |= equal & Q(**{f"{field.attname}__{'lt' if descending else 'gt'}": value})
        equal &= Q(**{field.attname: value})
    return rows.filter(after)


def encode(name: str, values: list[Any]) -> str:
    """Return a cursor of the named list that holds these values."""
    return urlsafe_b64encode(json.dumps([name, *values]).encode()).decode().rstrip("=")


def decode(name: str, cursor: str) -> list[Any]:
    """Return the values of a cursor; raise a Problem if it belongs to another list."""
    try:
        position = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise unknown_cursor() from None
    if not isinstance(position, list) or position[:1] != [name]:
        raise unknown_cursor()
    return position[1:]


def unknown_cursor() -> Problem:
    """Return the Problem for a cursor of another list, or of none."""
    return invalid({"cursor": UNKNOWN_CURSOR})


def _list_name(rows: QuerySet[Any]) -> str:
    """Return a name made of the model and the ordering; a cursor fits only a list of the same name."""
    order = ",".join(f"{'-' if descending else ''}{field.name}" for field, descending in _ordering(rows))
    return f"{rows.model._meta.label_lower}:{order}"


def _parse(field: Any, value: Any) -> Any:
    """Convert a JSON value to the column's type. Raises ValueError for a value that no row can have."""
    parsed = field.to_python(value)
    if _to_json(parsed) != value or isinstance(value, bool) is not isinstance(parsed, bool):
        raise ValueError(value)
    if isinstance(parsed, datetime):
        return parsed.astimezone(UTC)
    return check_storable(parsed) if isinstance(parsed, str) else parsed


def _ordering(rows: QuerySet[Any]) -> list[tuple[Any, bool]]:
    """Return the columns that sort the list, each with whether it is descending."""
    meta: Any = rows.model._meta
    names = [str(name) for name in rows.query.order_by or meta.ordering]
    columns = [(name.lstrip("-"), name.startswith("-")) for name in names]
    return [(meta.pk if name == "pk" else meta.get_field(name), descending) for name, descending in columns]


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
