"""Queries that are built once and run many times: building one takes several times as long as running it.

    GIVE_BACK = Update(Slot.objects.filter(run_id=Given("run_id", Slot.run)), run=None)
    freed = GIVE_BACK(run_id=7)

They are written in the ORM like any other, with `Given` where a value follows later, and are compiled the
first time they run. The values are put into the form the database keeps, as the ORM does it.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, cast

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.sql import UpdateQuery

# What a driver takes as it is; anything else is put into the form of its column.
PLAIN = (int, str, float, type(None))


class Given(Expression):
    """A value of a prepared query that is handed in when it runs, by this name, in the form of a column."""

    def __init__(self, name: str, column: Any) -> None:
        super().__init__(output_field=column if isinstance(column, Field) else column.field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple["Given"]]:
        return "%s", (self,)


class Prepared[M: Model]:
    """A query compiled once, for the database of this process."""

    def __init__(self, queryset: QuerySet[M]) -> None:
        self._queryset = queryset

    @cached_property
    def _compiled(self) -> tuple[str, Sequence[Any]]:
        raise NotImplementedError

    def _parameters(self, values: dict[str, Any]) -> list[Any]:
        return [
            _adapted(values[part.name], part.output_field) if isinstance(part, Given) else part
            for part in self._compiled[1]
        ]


class Select[M: Model](Prepared[M]):
    """A prepared SELECT of rows of one model, whole or with `only` some columns."""

    def __call__(self, **values: Any) -> list[M]:
        with connection.cursor() as cursor:
            cursor.execute(self._compiled[0], self._parameters(values))
            return self._rows.read(cursor.fetchall())

    def first(self, **values: Any) -> M | None:
        return next(iter(self(**values)), None)

    @cached_property
    def _compiler(self) -> Any:
        return self._queryset.query.get_compiler(connection=connection)

    @cached_property
    def _compiled(self) -> tuple[str, Sequence[Any]]:
        return cast(tuple[str, Sequence[Any]], self._compiler.as_sql())

    @cached_property
    def _rows(self) -> "Rows[M]":
        self._compiled  # noqa: B018 - the compiler knows its columns only then
        return Rows(self._queryset.model, [column for column, _, _ in self._compiler.select], self._compiler)


class Update[M: Model](Prepared[M]):
    """A prepared UPDATE; it tells how many rows it changed, or with `returning` what they are now."""

    def __init__(self, queryset: QuerySet[M], **values: Any) -> None:
        super().__init__(queryset)
        self._values = values

    def __call__(self, **values: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute(self._compiled[0], self._parameters(values))
            return cursor.rowcount

    def returning(self, **values: Any) -> list[M]:
        sql, rows = self._returning
        with connection.cursor() as cursor:
            cursor.execute(sql, self._parameters(values))
            return rows.read(cursor.fetchall())

    @cached_property
    def _compiler(self) -> Any:
        query = self._queryset.query.chain(UpdateQuery)
        query.add_update_values(self._values)
        query.clear_ordering(force=True)
        return query.get_compiler(connection=connection)

    @cached_property
    def _compiled(self) -> tuple[str, Sequence[Any]]:
        return cast(tuple[str, Sequence[Any]], self._compiler.as_sql())

    @cached_property
    def _returning(self) -> tuple[str, "Rows[M]"]:
        model = self._queryset.model
        columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
        answer, _ = connection.ops.returning_columns(model._meta.concrete_fields)
        return f"{self._compiled[0]} {answer}", Rows(model, columns, self._compiler)


class Rows[M: Model]:
    """How the rows of a query become instances: columns that were not read are read when asked for."""

    def __init__(self, model: type[M], columns: Sequence[Any], compiler: Any) -> None:
        self._model = model
        self._names = [column.target.attname for column in columns]
        self._convert = compiler.get_converters(columns)
        self._compiler = compiler

    def read(self, rows: Sequence[Sequence[Any]]) -> list[M]:
        return [
            self._model.from_db(connection.alias, self._names, values) for values in self._converted(rows)
        ]

    def _converted(self, rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        return cast(Iterator[Sequence[Any]], self._compiler.apply_converters(rows, self._convert))


def _adapted(value: Any, field: Any) -> Any:
    return value if isinstance(value, PLAIN) else field.get_db_prep_save(value, connection)
