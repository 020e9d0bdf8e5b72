"""Loads the rows of a list by their primary keys with a query that is built once."""

from collections.abc import Sequence
from functools import cached_property

from django.db import connection
from django.db.models import Model, QuerySet

from stagent.lib.db.paging import slice_keys
from stagent.lib.db.prepared import KeysParam, Select, Statement, Tuples


class SelectByKeys[M: Model]:
    """A prepared SELECT of rows by primary key, in the order of the keys; missing rows are left out.

    For read-only rows: each is loaded as it is now, even if it changed after its key was selected.
    """

    def __init__(self, queryset: QuerySet[M]) -> None:
        key = queryset.model._meta.pk
        self._all = Tuples(queryset.model._default_manager.values_list("pk"), sliced=True)
        self._table = queryset.model._meta.db_table
        self._select = Select(queryset.filter(pk__in=KeysParam("keys", key)).order_by(), shared=True)

    def __call__(self, keys: Sequence[int]) -> list[M]:
        found = {row.pk: row for row in self._select(keys=keys)}
        return [found[key] for key in keys if key in found]

    def keys(self, rows: QuerySet[M], first: int, last: int) -> list[int]:
        """Return the keys of the rows from `first` to `last`; `rows` has the filters."""
        if rows.query.where:
            return slice_keys(rows, first, last)
        return [key for (key,) in self._all(limit=last - first, offset=first)]

    def count(self, rows: QuerySet[M]) -> int:
        """Count the rows; the query for an unfiltered list is built once."""
        if rows.query.where:
            return rows.count()
        counted, _ = self._count_statement.run({})
        return int(counted[0][0])

    @cached_property
    def _count_statement(self) -> Statement:
        return Statement(f"SELECT COUNT(*) FROM {connection.ops.quote_name(self._table)}")  # noqa: S608 - a model's table
