"""Queries that are built once and run many times: building one takes several times as long as running it.

    GIVE_BACK = Update(Slot.objects.filter(run_id=Given("run_id", Slot.run)), run=None)
    freed = GIVE_BACK(run_id=7)

They are written in the ORM like any other, with `Given` where a value follows later, and are compiled the
first time they run. Values are put into the form the database keeps, and back, as the ORM does it. On SQLite
they go past Django's cursor, which takes as long as the database does, unless somebody listens to it.
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

from stagent.lib.db.row_loader import Row, RowLoader, rows_of

# Columns whose values every driver takes as they are; others are put into the form of their column.
PLAIN = (AutoField, BooleanField, CharField, FloatField, ForeignKey, IntegerField, TextField)


_compiling = threading.RLock()


if TYPE_CHECKING:
    _once = cached_property
else:

    class _once(cached_property):  # noqa: N801 - used as a decorator
        """Compiled by one thread: two at a time in Django's compiler make wrong SQL, which would be kept."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            with _compiling:
                return super().__get__(instance, owner)


class Param(Expression):
    """A value of a prepared query that is handed in when it runs, by this name, in the form of a column."""

    def __init__(self, name: str, column: Any) -> None:
        super().__init__(output_field=column if isinstance(column, Field) else column.field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class GivenKeys(Param):
    """Numbers that are handed in as a list: a subquery, so that one statement fits any number of them."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        array = "unnest(%s::bigint[])" if connection.vendor == "postgresql" else "value FROM json_each(%s)"
        return f"(SELECT {array})", (self,)


class Select[M: Model]:
    """A prepared SELECT of rows of one model, whole or with `only` some columns, and of what is related.

    A query compiled once, for the database of this process. `shared` is for rows that are only shown: what
    is related to several of them is one instance for all.
    """

    def __init__(self, queryset: QuerySet[M], *, shared: bool = False) -> None:
        self._queryset, self._shared = queryset, shared

    def __call__(self, **values: Any) -> list[M]:
        rows, _ = self._statement.run(values)
        return self._rows.read(rows, shared=self._shared)

    def first(self, **values: Any) -> M | None:
        return next(iter(self(**values)), None)

    def count(self, **values: Any) -> int:
        """Return how many rows there are; they are read for it, so there should be few."""
        rows, _ = self._statement.run(values)
        return len(rows)

    @_once
    def _compiler(self) -> Any:
        return self._queryset.query.get_compiler(connection=connection)

    @_once
    def _statement(self) -> "Statement":
        return Statement(*self._compiler.as_sql())

    @_once
    def _rows(self) -> "RowLoader[M]":
        return rows_of(self._compiler.klass_info, self._compiler)


class Tuples:
    """A prepared SELECT of the plain columns and counts of a `values_list`, as the driver reads them.

    With `sliced`, a run of it takes `limit` and `offset`.
    """

    def __init__(self, queryset: QuerySet[Any, tuple[Any, ...]], *, sliced: bool = False) -> None:
        self._queryset, self._sliced = queryset, sliced

    def __call__(self, **values: Any) -> list[Any]:
        rows, _ = self._statement.run(values)
        return rows

    @_once
    def _statement(self) -> "Statement":
        sql, parameters = self._queryset.query.get_compiler(connection=connection).as_sql()
        if not self._sliced:
            return Statement(sql, parameters)
        numbers = [Param(name, IntegerField()) for name in ("limit", "offset")]
        return Statement(f"{sql} LIMIT %s OFFSET %s", [*parameters, *numbers])


class Update[M: Model]:
    """A prepared UPDATE; it tells how many rows it changed."""

    returning: Sequence[Any] = ()

    def __init__(self, queryset: QuerySet[M], **values: Any) -> None:
        self._queryset, self._values = queryset, values

    def __call__(self, **values: Any) -> int:
        _, changed = self._statement.run(values)
        return changed

    @_once
    def _compiler(self) -> Any:
        query: Any = self._queryset.query.chain(UpdateQuery)
        query.add_update_values(self._values)
        query.clear_ordering(force=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = self.returning
        return compiler

    @_once
    def _statement(self) -> "Statement":
        return Statement(*self._compiler.as_sql())


class UpdateReturning[M: Model](Update[M]):
    """A prepared UPDATE that returns the rows it changed, as they are now, without the columns of `defer`."""

    def __init__(self, queryset: QuerySet[M], *, defer: Collection[str] = (), **values: Any) -> None:
        super().__init__(queryset, **values)
        self.returning = [f for f in queryset.model._meta.concrete_fields if f.name not in defer]

    def rows(self, **values: Any) -> list[M]:
        rows, _ = self._statement.run(values)
        return self._rows.read(rows)

    @_once
    def _rows(self) -> "RowLoader[M]":
        model = self._queryset.model
        columns = [field.get_col(model._meta.db_table) for field in self.returning]
        return RowLoader(model, [field.attname for field in self.returning], columns, self._compiler)


class Statement:
    """SQL and what goes into its gaps: constants, and values that are handed in when it runs."""

    def __init__(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        if connection.vendor == "sqlite":
            sql, parameters = _spelled_out(sql, parameters)
        self._sql = sql
        self._marked = re.sub(r"(?<!%)%s", "?", sql).replace("%%", "%")  # as SQLite reads it
        self._constants = list(parameters)
        self._gaps = [
            (at, part.name, _keys if isinstance(part, GivenKeys) else _adapter(part.output_field))
            for at, part in enumerate(parameters)
            if isinstance(part, Param)
        ]

    def run(self, values: dict[str, Any]) -> tuple[list[Row], int]:
        """Execute it and return its rows and how many it was about."""
        link = here.link
        parameters = self._fill_in(values)
        if link.vendor == "sqlite" and not link.execute_wrappers and not link.queries_logged:
            return self._run_straight(parameters, link)
        with link.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount

    def _fill_in(self, values: dict[str, Any]) -> list[Any]:
        parameters = self._constants.copy()
        for at, name, adapt in self._gaps:
            value = values[name]
            parameters[at] = value if adapt is None or value is None else adapt(value)
        return parameters

    def _run_straight(self, parameters: list[Any], link: Any) -> tuple[list[Row], int]:
        """Hand it to SQLite's own connection; what Django promises of a failure still holds."""
        if link.connection is None:
            link.ensure_connection()
        if link.needs_rollback:
            link.validate_no_broken_transaction()
        try:
            cursor = link.connection.execute(self._marked, parameters)
            return cursor.fetchall(), cursor.rowcount
        except link.Database.Error:
            with link.wrap_database_errors:
                raise


def _spelled_out(sql: str, parameters: Sequence[Any]) -> tuple[str, list[Any]]:
    """Write the constants into the text: SQLite plans anew, at every run, what a parameter decides."""
    gaps = ["%s" if isinstance(part, Param) else _literal(part) for part in parameters] + [""]
    text = "".join(before + gap for before, gap in zip(sql.split("%s"), gaps, strict=True))
    return text, [part for part in parameters if isinstance(part, Param)]


def _literal(constant: Any) -> str:
    match constant:
        case None:
            return "NULL"
        case int():
            return str(int(constant))
        case str():
            return "'" + str(constant).replace("'", "''").replace("%", "%%") + "'"
    raise TypeError(f"{constant!r} cannot be a constant of a prepared query; hand it in as a value.")


class _Here(threading.local):
    """The connection of this thread, looked up once."""

    def __init__(self) -> None:
        self.link: Any = connections[DEFAULT_DB_ALIAS]


here = _Here()


def _adapter(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    """Return what puts a value into the form of its column; None where every driver takes it as it is."""
    if isinstance(field, PLAIN):
        return None
    return (
        _moment
        if isinstance(field, DateTimeField)
        else partial(field.get_db_prep_save, connection=connection)
    )


@lru_cache(maxsize=64)  # a transition writes its moment into several rows
def _moment(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _keys(keys: Sequence[int]) -> Any:
    return list(keys) if connection.vendor == "postgresql" else json.dumps(list(keys))
