"""Cursors: where a page of a list ended, as opaque text. Rows that arrive move no page that follows it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from stagent.lib.api.types import storable
from stagent.lib.problems import Problem, invalid

UNKNOWN = "This is no cursor of this list: send the `next` of its last page."


def cursor_after(rows: QuerySet[Any], last: Model) -> str:
    """Return the cursor of the page that follows this row."""
    return encode(_name(rows), [_plain(getattr(last, field.attname)) for field, _ in _order(rows)])


def rows_after[Row: Model](rows: QuerySet[Row], cursor: str) -> QuerySet[Row]:
    """Keep the rows that follow a cursor, in the order of the list."""
    order = _order(rows)
    said = decode(_name(rows), cursor)
    try:
        values = [_read(field, value) for (field, _), value in zip(order, said, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError):
        raise unknown_cursor() from None
    following, same = Q(pk__in=[]), Q()
    for (field, is_down), value in zip(order, values, strict=True):
        following |= same & Q(**{f"{field.attname}__{'lt' if is_down else 'gt'}": value})
        same &= Q(**{field.attname: value})
    return rows.filter(following)


def encode(name: str, values: list[Any]) -> str:
    """Return a cursor of the list of this name that holds these values."""
    return urlsafe_b64encode(json.dumps([name, *values]).encode()).decode().rstrip("=")


def decode(name: str, cursor: str) -> list[Any]:
    """Return the values of a cursor; refuse one that is none of the list of this name."""
    try:
        said = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise unknown_cursor() from None
    if not isinstance(said, list) or said[:1] != [name]:
        raise unknown_cursor()
    return said[1:]


def unknown_cursor() -> Problem:
    """Say that a cursor belongs to another list, or to none."""
    return invalid({"cursor": UNKNOWN})


def _name(rows: QuerySet[Any]) -> str:
    """Name a list by what it lists and how it is sorted: its cursors fit no other."""
    order = ",".join(f"{'-' if is_down else ''}{field.name}" for field, is_down in _order(rows))
    return f"{rows.model._meta.label_lower}:{order}"


def _read(field: Any, value: Any) -> Any:
    """Return the value of a column as a query takes it; ValueError for what no row can have."""
    read = field.to_python(value)
    if _plain(read) != value or isinstance(value, bool) is not isinstance(read, bool):
        raise ValueError(value)
    if isinstance(read, datetime):
        return read.astimezone(UTC)
    return storable(read) if isinstance(read, str) else read


def _order(rows: QuerySet[Any]) -> list[tuple[Any, bool]]:
    """Return the columns that a list is sorted by, and whether each goes down."""
    meta: Any = rows.model._meta
    names = [str(name) for name in rows.query.order_by or meta.ordering]
    plain = [(name.lstrip("-"), name.startswith("-")) for name in names]
    return [(meta.pk if name == "pk" else meta.get_field(name), is_down) for name, is_down in plain]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
