"""Cursors: where a page of a list ended, as opaque text. Rows that arrive move no page that follows it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from stagent.lib.problems import invalid

UNKNOWN = "This is no cursor of this list: send the `next` of its last page."


def cursor_after(rows: QuerySet[Any], last: Model) -> str:
    """Return the cursor of the page that follows this row."""
    values = [_plain(getattr(last, field.attname)) for field, _ in _order(rows)]
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def after[Row: Model](rows: QuerySet[Row], cursor: str) -> QuerySet[Row]:
    """Keep the rows that follow a cursor, in the order of the list."""
    order = _order(rows)
    try:
        said = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(said, list) or len(said) != len(order) or None in said:
            raise ValueError(cursor)
        values = [field.to_python(value) for (field, _), value in zip(order, said, strict=True)]
    except (ValueError, TypeError, RecursionError, OverflowError, ValidationError):
        raise invalid({"cursor": UNKNOWN}) from None
    following, same = Q(pk__in=[]), Q()
    for (field, is_down), value in zip(order, values, strict=True):
        following |= same & Q(**{f"{field.attname}__{'lt' if is_down else 'gt'}": value})
        same &= Q(**{field.attname: value})
    return rows.filter(following)


def _order(rows: QuerySet[Any]) -> list[tuple[Any, bool]]:
    """Return the columns that a list is sorted by, and whether each goes down."""
    meta: Any = rows.model._meta
    names = [str(name) for name in rows.query.order_by or meta.ordering]
    plain = [(name.lstrip("-"), name.startswith("-")) for name in names]
    return [(meta.pk if name == "pk" else meta.get_field(name), is_down) for name, is_down in plain]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
