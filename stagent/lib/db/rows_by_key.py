"""The rows of a list, read by their primary keys: the query of what they show is built once."""

from collections.abc import Sequence
from functools import cached_property

from django.db import connection
from django.db.models import Model, QuerySet

from stagent.lib.db.paging import keys
from stagent.lib.db.prepared import GivenKeys, Select, Statement, Tuples


class ByKey[M: Model]:
    """A prepared SELECT of rows by their primary keys, in the order of the keys; keys of no row are left out.

    For rows that are only shown: each as it is now, whatever it was when its key was looked up.
    """

    def __init__(self, queryset: QuerySet[M]) -> None:
        key = queryset.model._meta.pk
        self._all = Tuples(queryset.model._default_manager.values_list("pk"), sliced=True)
        self._table = queryset.model._meta.db_table
        self._select = Select(queryset.filter(pk__in=GivenKeys("keys", key)).order_by(), shared=True)

    def __call__(self, keys: Sequence[int]) -> list[M]:
        found = {row.pk: row for row in self._select(keys=keys)}
        return [found[key] for key in keys if key in found]

    def keys(self, rows: QuerySet[M], first: int, last: int) -> list[int]:
        """Return the keys of the rows from `first` up to `last`; `rows` filters all of them."""
        if rows.query.where:
            return keys(rows, first, last)
        return [key for (key,) in self._all(limit=last - first, offset=first)]

    def count(self, rows: QuerySet[M]) -> int:
        """Count the rows; of those that are not filtered the query is built once."""
        if rows.query.where:
            return rows.count()
        counted, _ = self._counting.run({})
        return int(counted[0][0])

    @cached_property
    def _counting(self) -> Statement:
        return Statement(f"SELECT COUNT(*) FROM {connection.ops.quote_name(self._table)}")  # noqa: S608 - a model's
