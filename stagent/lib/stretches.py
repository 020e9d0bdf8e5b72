"""A stretch of a long list."""

from django.db.models import Model, QuerySet


def stretch[Row: Model](rows: QuerySet[Row], first: int, last: int) -> QuerySet[Row]:
    """Return the rows from `first` up to `last`: their keys are sorted and counted off, then they are read.

    A database that sorts whole rows, with their prompts, carries the whole table about for one page of it.
    """
    keys = list(rows.values_list("pk", flat=True)[first:last])
    return rows.filter(pk__in=keys)
