"""Queries that are built once and run many times: building one takes several times as long as running it.

    GIVE_BACK = Update(Slot.objects.filter(run_id=Given("run_id", Slot.run)), run=None)
    freed = GIVE_BACK(run_id=7)

They are written in the ORM like any other, with `Given` where a value follows later, and are compiled the
first time they run. Values are put into the form the database keeps, and back, as the ORM does it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import (
    AutoField,
    BooleanField,
    CharField,
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

# Columns whose values every driver takes as they are; others are put into the form of their column.
PLAIN = (AutoField, BooleanField, CharField, FloatField, ForeignKey, IntegerField, TextField)


class Given(Expression):
    """A value of a prepared query that is handed in when it runs, by this name, in the form of a column."""

    def __init__(self, name: str, column: Any) -> None:
        super().__init__(output_field=column if isinstance(column, Field) else column.field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class Prepared[M: Model]:
    """A query compiled once, for the database of this process."""

    def __init__(self, queryset: QuerySet[M]) -> None:
        self._queryset = queryset

    @cached_property
    def _statement(self) -> "Statement":
        raise NotImplementedError

    @cached_property
    def _rows(self) -> "Rows[M]":
        raise NotImplementedError


class Select[M: Model](Prepared[M]):
    """A prepared SELECT of rows of one model, whole or with `only` some columns."""

    def __call__(self, **values: Any) -> list[M]:
        with self._statement.run(values) as cursor:
            return self._rows.read(cursor.fetchall())

    def first(self, **values: Any) -> M | None:
        return next(iter(self(**values)), None)

    @cached_property
    def _compiler(self) -> Any:
        return self._queryset.query.get_compiler(connection=connection)

    @cached_property
    def _statement(self) -> "Statement":
        return Statement(*self._compiler.as_sql())

    @cached_property
    def _rows(self) -> "Rows[M]":
        columns = [column for column, _, _ in self._compiler.select]
        return Rows(self._queryset.model, columns, self._compiler)


class Update[M: Model](Prepared[M]):
    """A prepared UPDATE; it tells how many rows it changed."""

    returning: Sequence[Any] = ()

    def __init__(self, queryset: QuerySet[M], **values: Any) -> None:
        super().__init__(queryset)
        self._values = values

    def __call__(self, **values: Any) -> int:
        with self._statement.run(values) as cursor:
            return int(cursor.rowcount)

    @cached_property
    def _compiler(self) -> Any:
        query: Any = self._queryset.query.chain(UpdateQuery)
        query.add_update_values(self._values)
        query.clear_ordering(force=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = self.returning
        return compiler

    @cached_property
    def _statement(self) -> "Statement":
        return Statement(*self._compiler.as_sql())


class UpdateReturning[M: Model](Update[M]):
    """A prepared UPDATE that returns the rows it changed, as they are now."""

    def __init__(self, queryset: QuerySet[M], **values: Any) -> None:
        super().__init__(queryset, **values)
        self.returning = queryset.model._meta.concrete_fields

    def rows(self, **values: Any) -> list[M]:
        with self._statement.run(values) as cursor:
            return self._rows.read(cursor.fetchall())

    @cached_property
    def _rows(self) -> "Rows[M]":
        model = self._queryset.model
        columns = [field.get_col(model._meta.db_table) for field in self.returning]
        return Rows(model, columns, self._compiler)


class Statement:
    """SQL whose parameters have names: so Django need not read the whole text again for SQLite each time."""

    def __init__(self, sql: str, parameters: Sequence[Any]) -> None:
        names = [part.name if isinstance(part, Given) else f"c{at}" for at, part in enumerate(parameters)]
        gaps = [f"%({name})s" for name in names] + [""]
        self._sql = "".join(text + gap for text, gap in zip(sql.split("%s"), gaps, strict=True))
        named = dict(zip(names, parameters, strict=True))
        given = {name: part.output_field for name, part in named.items() if isinstance(part, Given)}
        self._constants = {name: part for name, part in named.items() if name not in given}
        self._adapted = [(name, field) for name, field in given.items() if not isinstance(field, PLAIN)]

    def run(self, values: dict[str, Any]) -> Any:
        """Execute it and return the open cursor."""
        link = connections[DEFAULT_DB_ALIAS]  # the proxy would be looked through at every step
        for name, field in self._adapted:
            if isinstance(value := values[name], datetime):
                values[name] = link.ops.adapt_datetimefield_value(value)
            elif value is not None:
                values[name] = field.get_db_prep_save(value, link)
        cursor = link.cursor()
        cursor.execute(self._sql, self._constants | values)
        return cursor


class Rows[M: Model]:
    """How the rows of a query become instances; a column that was not read is read when it is asked for."""

    def __init__(self, model: type[M], columns: Sequence[Any], compiler: Any) -> None:
        self._model = model
        self._names = frozenset(column.target.attname for column in columns)
        self._converters = [
            (position, convert, expression)
            for position, (converters, expression) in compiler.get_converters(columns).items()
            for convert in converters
        ]

    def read(self, rows: Iterable[Sequence[Any]]) -> list[M]:
        link = connections[DEFAULT_DB_ALIAS]
        return [self._instance(list(row), link) for row in rows]

    def _instance(self, values: list[Any], link: Any) -> M:
        for position, convert, expression in self._converters:
            if values[position] is not None:
                values[position] = convert(values[position], expression, link)
        return self._model.from_db(link.alias, self._names, values)
