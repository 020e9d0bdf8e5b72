"""Bulk inserts of tuples, without models.

COPY on PostgreSQL, a prepared INSERT on SQLite. Ids are assigned here, and the sequence is updated
afterwards.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import batched, count
from typing import Any

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max, Model
from psycopg import sql

BATCH = 20_000  # rows in one transaction
NOTHING: Mapping[str, Any] = {}
CACHE_KB = 262_144  # of pages that SQLite keeps: indexes in another order than the rows touch many

type Values = tuple[Any, ...]
type Same = Mapping[str, Any]


@contextmanager
def without_triggers() -> Iterator[None]:
    """Give SQLite more memory on this connection; gather statistics at the end."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            before = cursor.execute("PRAGMA cache_size").fetchone()[0]
            cursor.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        yield
        cursor.execute("ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA cache_size = {before}")


def numbers(model: type[Model]) -> "count[int]":
    """Return the primary keys from the first free one on."""
    newest = model._base_manager.aggregate(newest=Max("pk"))["newest"]
    return count((newest or 0) + 1)


def copy_rows(
    model: type[Model], columns: Sequence[str], rows: Iterable[Values], same: Same = NOTHING
) -> Iterator[int]:
    """Write rows of these columns in batches; yield the number so far.

    `same` are constant columns; other columns have their default.
    """
    constant = _defaults(model, {*columns, *same}) | dict(same)
    names = [_column(model, name) for name in (*columns, *constant)]
    tail, done = tuple(constant.values()), 0
    write = _copy if connection.vendor == "postgresql" else _insert
    for some in batched(rows, BATCH):
        with transaction.atomic():
            write(model._meta.db_table, names, (row + tail for row in some))
        yield (done := done + len(some))
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


def copy_all(model: type[Model], columns: Sequence[str], rows: Iterable[Values], same: Same = NOTHING) -> int:
    """Write all rows and return their number."""
    return max(copy_rows(model, columns, rows, same), default=0)


def _column(model: type[Model], attname: str) -> str:
    field: Any = model._meta.get_field(attname)
    return str(field.column)


def _defaults(model: type[Model], given: set[str]) -> dict[str, Any]:
    """Return what the columns that nobody names hold, empty ones left out."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    found = {field.attname: field.get_default() for field in fields if field.attname not in given}
    return {name: value for name, value in found.items() if value is not None}


def _copy(table: str, names: Sequence[str], rows: Iterable[Values]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([json.dumps(value) if isinstance(value, dict) else value for value in row])


def _insert(table: str, names: Sequence[str], rows: Iterable[Values]) -> None:
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join(["?"] * len(names))
    with connection.cursor() as cursor:
        # The driver's own cursor: Django's would look for its marks in every statement.
        plain = cursor.cursor.connection.cursor()
        plain.executemany(
            f'INSERT INTO "{table}" ({columns}) VALUES ({marks})',  # noqa: S608 - names of our models
            ([STORED[type(value)](value) for value in row] for row in rows),
        )


def _same(value: Any) -> Any:
    return value


class _Stored(dict[type, Callable[[Any], Any]]):
    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        return _same


# As Django stores them in SQLite; moments are UTC.
STORED = _Stored(
    {
        datetime: lambda value: str(value.replace(tzinfo=None)),
        Decimal: str,
        dict: json.dumps,
    }
)
