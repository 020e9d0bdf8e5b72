"""Stretches of long lists, and lists that turn out to be short."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL


def page_of_ids[Row: Model](rows: QuerySet[Row], first: int, last: int) -> QuerySet[Row]:
    """Return the rows from `first` up to `last`: their keys are sorted and counted off, then they are read.

    A database that sorts whole rows, with their prompts, carries the whole table about for one page of it.
    """
    return rows.filter(pk__in=keys(rows, first, last))


def keys(rows: QuerySet[Any], first: int, last: int) -> list[Any]:
    """Return the primary keys of the rows from `first` up to `last`."""
    return list(rows.values_list("pk", flat=True)[first:last])


def rows_by_id[Row: Model](rows: QuerySet[Row], most: int) -> tuple[QuerySet[Row], int]:
    """Return the rows and how many there are, counted no further than `most`; narrowed to fewer, by key.

    What hardly any row fits is looked for through the whole table, in the order in which it lies on the disk.
    By key, it is not looked for again to be sorted, or added up.
    """
    if not rows.query.where:
        return rows, rows.order_by()[:most].count()
    found = list(rows.order_by().values_list("pk", flat=True)[:most])
    return (rows.filter(pk__in=_listed(found)) if len(found) < most else rows), len(found)


def _listed(keys: Sequence[int]) -> RawSQL:
    """Hand keys over as one parameter: thousands of them would take longer to write down than to look up."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [keys])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(keys)])
