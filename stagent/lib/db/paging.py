"""Pages of large tables, read by primary key, and counts with an upper bound."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL


def slice_by_keys[Row: Model](rows: QuerySet[Row], first: int, last: int) -> QuerySet[Row]:
    """Return the rows from `first` to `last`: sort and slice the keys first, then load the rows.

    Sorting whole rows, with their prompts, would move the whole table for one page.
    """
    return rows.filter(pk__in=slice_keys(rows, first, last))


def slice_keys(rows: QuerySet[Any], first: int, last: int) -> list[Any]:
    """Return the primary keys of the rows from `first` to `last`."""
    return list(rows.values_list("pk", flat=True)[first:last])


def bounded_count[Row: Model](rows: QuerySet[Row], limit: int) -> tuple[QuerySet[Row], int]:
    """Return the rows and their number, counted up to `limit`; if there are fewer, the rows are narrowed by
    key.

    A filter that matches few rows scans the whole table. Narrowed by key, the rows are not searched again to
    be sorted or summed.
    """
    if not rows.query.where:
        return rows, rows.order_by()[:limit].count()
    found = list(rows.order_by().values_list("pk", flat=True)[:limit])
    return (rows.filter(pk__in=_key_subquery(found)) if len(found) < limit else rows), len(found)


def _key_subquery(keys: Sequence[int]) -> RawSQL:
    """Pass the keys as one parameter: thousands of parameters would take longer to send than to look up."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [keys])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(keys)])
