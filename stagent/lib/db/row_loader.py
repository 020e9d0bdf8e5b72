"""How the rows of a prepared query become instances."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, DateTimeField, Model
from django.db.models.base import ModelState

type Row = Sequence[Any]
type Known = dict[tuple[int, Any], Model]  # by where their primary keys stand in a row, and those keys


class RowLoader[M: Model]:
    """Puts instances together as they lie in memory: no `__init__`, no signal of it.

    A column that was not read is read when it is asked for. `first` is where the columns of the model begin
    in a row, `beside` what was selected with them.
    """

    def __init__(
        self,
        model: type[M],
        names: list[str],
        columns: Sequence[Any],
        compiler: Any,
        first: int = 0,
        beside: "Sequence[RelatedLoader]" = (),
    ) -> None:
        self._model, self._names, self._beside = model, names, beside
        self._first, self._last = first, first + len(names)
        self._converters = [
            (self._names[position], _converter(convert, expression))
            for position, (converters, expression) in compiler.get_converters(columns).items()
            for convert in converters
        ]

    def read(self, rows: Iterable[Row], *, shared: bool = False) -> list[M]:
        """Return the instances; `shared`: what is related to several of them is one instance for all."""
        known: Known | None = {} if shared else None
        return [self.instance(row, known) for row in rows]

    def instance(self, row: Row, known: "Known | None" = None) -> M:
        values = dict(zip(self._names, row[self._first : self._last], strict=True))
        for name, convert in self._converters:
            if (value := values[name]) is not None:
                values[name] = convert(value)
        values["_state"] = state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        instance = self._model.__new__(self._model)
        instance.__dict__ = values
        for other in self._beside:
            other.join(instance, row, known)
        return instance


class RelatedLoader(NamedTuple):
    """An instance that `select_related` reads with another one, and how the two know each other."""

    rows: RowLoader[Any]
    key: int  # where its primary key stands in a row
    tell: Callable[[Model, Model | None], None]
    tell_back: Callable[[Model, Model], None]

    def join(self, instance: Model, row: Row, known: "Known | None") -> None:
        other = None if row[self.key] is None else self._other(row, known)
        self.tell(instance, other)
        if other is not None:
            self.tell_back(other, instance)

    def _other(self, row: Row, known: "Known | None") -> Any:
        if known is None:
            return self.rows.instance(row)
        place = self.key, row[self.key]
        if place not in known:
            known[place] = self.rows.instance(row, known)
        return known[place]


def rows_of(info: dict[str, Any], compiler: Any) -> RowLoader[Any]:
    """Read from Django's own notes which columns of a row belong to which model."""
    related = info.get("related_klass_infos", ())
    numbers = info["select_fields"] if related or "field" in info else range(len(compiler.select))
    selected = [compiler.select[number] for number in numbers]
    names = [alias or column.target.attname for column, _, alias in selected]
    beside = [_beside(each, compiler) for each in related]
    columns = [column for column, _, _ in selected]
    return RowLoader(info["model"], names, columns, compiler, numbers[0], beside)


def _beside(info: dict[str, Any], compiler: Any) -> RelatedLoader:
    rows, key = rows_of(info, compiler), info["model"]._meta.pk.attname
    at = next(n for n in info["select_fields"] if compiler.select[n][0].target.attname == key)
    return RelatedLoader(rows, at, info["local_setter"], info["remote_setter"])


def _converter(convert: Callable[..., Any], expression: Any) -> Callable[[Any], Any]:
    """Return the converter of a column: Django's, or for what SQLite has most of a quicker one."""
    if connection.vendor == "sqlite" and isinstance(expression.output_field, BooleanField):
        return bool
    is_moment = connection.vendor == "sqlite" and isinstance(expression.output_field, DateTimeField)
    if is_moment and connection.timezone_name == "UTC":
        return _in_utc
    return lambda value: convert(value, expression, connection)


def _in_utc(value: Any) -> datetime:
    """Take a moment as the driver read it: as text where the statement returns what it wrote."""
    moment = value if value.__class__ is datetime else datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC)
