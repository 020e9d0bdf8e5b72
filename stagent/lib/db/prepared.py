"""Prepared queries: built once and run many times, because building one takes longer than running it.

    FREE = Update(Slot.objects.filter(run_id=Param("run_id", Slot.run)), run=None)
    freed = FREE(run_id=7)

They are written in the ORM, with `Param` in place of each later value, and are compiled at their first run.
Values are converted to and from the form of their column, as in the ORM. On SQLite they bypass Django's
cursor, which takes as long as the database itself, unless an execute wrapper or query log is active.
"""

import json
import re
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import (
    AutoField,
    BooleanField,
    CharField,
    DateTimeField,
    Expression,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    Model,
    QuerySet,
    TextField,
)
from django.db.models.sql import UpdateQuery

from stagent.lib.db.row_loader import Row, RowLoader, build_loader

# Columns whose values every driver takes unchanged; others are converted.
PLAIN = (AutoField, BooleanField, CharField, FloatField, ForeignKey, IntegerField, TextField)


_compiling = threading.RLock()


if TYPE_CHECKING:
    _compiled_once = cached_property
else:

    class _compiled_once(cached_property):  # noqa: N801 - used as a decorator
        """Computed by one thread at a time: two in Django's compiler produce wrong SQL, which would be
        cached.
        """

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            with _compiling:
                return super().__get__(instance, owner)


class Param(Expression):
    """A value that is passed by this name when the query runs, in the form of a column."""

    def __init__(self, name: str, column: Any) -> None:
        super().__init__(output_field=column if isinstance(column, Field) else column.field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class KeysParam(Param):
    """A list of keys that is passed when the query runs: a subquery, so that one statement fits any
    number.
    """

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        array = "unnest(%s::bigint[])" if connection.vendor == "postgresql" else "value FROM json_each(%s)"
        return f"(SELECT {array})", (self,)


class Select[M: Model]:
    """A prepared SELECT of rows of one model, all columns or `only` some, with their related rows.

    It is compiled once, for the database of this process. `shared` is for read-only rows: a related row that
    several rows refer to is loaded as one instance.
    """

    def __init__(self, queryset: QuerySet[M], *, shared: bool = False) -> None:
        self._queryset, self._shared = queryset, shared

    def __call__(self, **values: Any) -> list[M]:
        rows, _ = self._statement.run(values)
        return self._rows.read(rows, shared=self._shared)

    def first(self, **values: Any) -> M | None:
        return next(iter(self(**values)), None)

    def count(self, **values: Any) -> int:
        """Return the number of rows. It loads them, so use it for a few rows only."""
        rows, _ = self._statement.run(values)
        return len(rows)

    @_compiled_once
    def _compiler(self) -> Any:
        return self._queryset.query.get_compiler(connection=connection)

    @_compiled_once
    def _statement(self) -> "Statement":
        return Statement(*self._compiler.as_sql())

    @_compiled_once
    def _rows(self) -> "RowLoader[M]":
        return build_loader(self._compiler.klass_info, self._compiler)


class Tuples:
    """A prepared SELECT of plain columns and counts of a `values_list`, as the driver returns them.

    With `sliced`, it takes `limit` and `offset` when it runs.
    """

    def __init__(self, queryset: QuerySet[Any, tuple[Any, ...]], *, sliced: bool = False) -> None:
        self._queryset, self._sliced = queryset, sliced

    def __call__(self, **values: Any) -> list[Any]:
        rows, _ = self._statement.run(values)
        return rows

    @_compiled_once
    def _statement(self) -> "Statement":
        sql, parameters = self._queryset.query.get_compiler(connection=connection).as_sql()
        if not self._sliced:
            return Statement(sql, parameters)
        numbers = [Param(name, IntegerField()) for name in ("limit", "offset")]
        return Statement(f"{sql} LIMIT %s OFFSET %s", [*parameters, *numbers])


class Update[M: Model]:
    """A prepared UPDATE that returns the number of changed rows."""

    returning: Sequence[Any] = ()

    def __init__(self, queryset: QuerySet[M], **values: Any) -> None:
        self._queryset, self._values = queryset, values

    def __call__(self, **values: Any) -> int:
        _, changed = self._statement.run(values)
        return changed

    @_compiled_once
    def _compiler(self) -> Any:
        query: Any = self._queryset.query.chain(UpdateQuery)
        query.add_update_values(self._values)
        query.clear_ordering(force=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = self.returning
        return compiler

    @_compiled_once
    def _statement(self) -> "Statement":
        return Statement(*self._compiler.as_sql())


class UpdateReturning[M: Model](Update[M]):
    """A prepared UPDATE that returns the changed rows as they are now, without the columns of `defer`."""

    def __init__(self, queryset: QuerySet[M], *, defer: Collection[str] = (), **values: Any) -> None:
        super().__init__(queryset, **values)
        self.returning = [f for f in queryset.model._meta.concrete_fields if f.name not in defer]

    def rows(self, **values: Any) -> list[M]:
        rows, _ = self._statement.run(values)
        return self._rows.read(rows)

    @_compiled_once
    def _rows(self) -> "RowLoader[M]":
        model = self._queryset.model
        columns = [field.get_col(model._meta.db_table) for field in self.returning]
        return RowLoader(model, [field.attname for field in self.returning], columns, self._compiler)


class Statement:
    """SQL and its parameters: constants, and values that are passed when it runs."""

    def __init__(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        if connection.vendor == "sqlite":
            sql, parameters = _inline_constants(sql, parameters)
        self._sql = sql
        self._driver_sql = re.sub(r"(?<!%)%s", "?", sql).replace("%%", "%")  # SQLite's placeholders
        self._constants = list(parameters)
        self._placeholders = [
            (position, part.name, _adapt_keys if isinstance(part, KeysParam) else _adapter(part.output_field))
            for position, part in enumerate(parameters)
            if isinstance(part, Param)
        ]

    def run(self, values: dict[str, Any]) -> tuple[list[Row], int]:
        """Execute the statement; return its rows and its row count."""
        db = _local.connection
        parameters = self._bind(values)
        if db.vendor == "sqlite" and not db.execute_wrappers and not db.queries_logged:
            return self._run_on_driver(parameters, db)
        with db.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount

    def _bind(self, values: dict[str, Any]) -> list[Any]:
        parameters = self._constants.copy()
        for position, name, adapt in self._placeholders:
            value = values[name]
            parameters[position] = value if adapt is None or value is None else adapt(value)
        return parameters

    def _run_on_driver(self, parameters: list[Any], db: Any) -> tuple[list[Row], int]:
        """Execute on SQLite's own connection; errors and broken transactions behave as in Django."""
        if db.connection is None:
            db.ensure_connection()
        if db.needs_rollback:
            db.validate_no_broken_transaction()
        try:
            cursor = db.connection.execute(self._driver_sql, parameters)
            return cursor.fetchall(), cursor.rowcount
        except db.Database.Error:
            with db.wrap_database_errors:
                raise


def _inline_constants(sql: str, parameters: Sequence[Any]) -> tuple[str, list[Any]]:
    """Write the constants into the SQL: SQLite replans at every run what depends on a parameter."""
    placeholders = ["%s" if isinstance(part, Param) else _literal(part) for part in parameters] + [""]
    text = "".join(before + gap for before, gap in zip(sql.split("%s"), placeholders, strict=True))
    return text, [part for part in parameters if isinstance(part, Param)]


def _literal(constant: Any) -> str:
    match constant:
        case None:
            return "NULL"
        case int():
            return str(int(constant))
        case str():
            return "'" + str(constant).replace("'", "''").replace("%", "%%") + "'"
    raise TypeError(f"{constant!r} cannot be a constant of a prepared query; pass it as a Param.")


class _ThreadConnection(threading.local):
    """The connection of this thread, looked up once."""

    def __init__(self) -> None:
        self.connection: Any = connections[DEFAULT_DB_ALIAS]


_local = _ThreadConnection()


def _adapter(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    """Return the function that converts a value to the form of its column; None if every driver takes it as
    it is.
    """
    if isinstance(field, PLAIN):
        return None
    return (
        _adapt_datetime
        if isinstance(field, DateTimeField)
        else partial(field.get_db_prep_save, connection=connection)
    )


@lru_cache(maxsize=64)  # a transition writes one timestamp into several rows
def _adapt_datetime(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _adapt_keys(keys: Sequence[int]) -> Any:
    return list(keys) if connection.vendor == "postgresql" else json.dumps(list(keys))
