"""Builds model instances from the rows of a prepared query."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, DateTimeField, Model
from django.db.models.base import ModelState

type Row = Sequence[Any]
type Instances = dict[tuple[int, Any], Model]  # by (index of the primary key in a row, primary key)


class RowLoader[M: Model]:
    """Builds instances without `__init__` and its signals.

    A column that was not selected is loaded on access. `first` is the index of the model's first column in a
    row, `related` loads the `select_related` instances.
    """

    def __init__(
        self,
        model: type[M],
        names: list[str],
        columns: Sequence[Any],
        compiler: Any,
        first: int = 0,
        related: "Sequence[RelatedLoader]" = (),
    ) -> None:
        self._model, self._names, self._related = model, names, related
        self._first, self._last = first, first + len(names)
        self._converters = [
            (self._names[position], _converter(convert, expression))
            for position, (converters, expression) in compiler.get_converters(columns).items()
            for convert in converters
        ]

    def read(self, rows: Iterable[Row], *, shared: bool = False) -> list[M]:
        """Return the instances; with `shared`, a related row that occurs several times is one instance."""
        instances: Instances | None = {} if shared else None
        return [self.instance(row, instances) for row in rows]

    def instance(self, row: Row, instances: "Instances | None" = None) -> M:
        values = dict(zip(self._names, row[self._first : self._last], strict=True))
        for name, convert in self._converters:
            if (value := values[name]) is not None:
                values[name] = convert(value)
        values["_state"] = state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        instance = self._model.__new__(self._model)
        instance.__dict__ = values
        for other in self._related:
            other.join(instance, row, instances)
        return instance


class RelatedLoader(NamedTuple):
    """Builds a `select_related` instance and sets both sides of its relation."""

    rows: RowLoader[Any]
    key: int  # index of its primary key in a row
    set_related: Callable[[Model, Model | None], None]
    set_back: Callable[[Model, Model], None]

    def join(self, instance: Model, row: Row, instances: "Instances | None") -> None:
        other = None if row[self.key] is None else self._other(row, instances)
        self.set_related(instance, other)
        if other is not None:
            self.set_back(other, instance)

    def _other(self, row: Row, instances: "Instances | None") -> Any:
        if instances is None:
            return self.rows.instance(row)
        cache_key = self.key, row[self.key]
        if cache_key not in instances:
            instances[cache_key] = self.rows.instance(row, instances)
        return instances[cache_key]


def build_loader(info: dict[str, Any], compiler: Any) -> RowLoader[Any]:
    """Read from the compiler's `klass_info` which columns of a row belong to which model."""
    infos = info.get("related_klass_infos", ())
    numbers = info["select_fields"] if infos or "field" in info else range(len(compiler.select))
    selected = [compiler.select[number] for number in numbers]
    names = [alias or column.target.attname for column, _, alias in selected]
    related = [_build_related(each, compiler) for each in infos]
    columns = [column for column, _, _ in selected]
    return RowLoader(info["model"], names, columns, compiler, numbers[0], related)


def _build_related(info: dict[str, Any], compiler: Any) -> RelatedLoader:
    rows, key = build_loader(info, compiler), info["model"]._meta.pk.attname
    at = next(n for n in info["select_fields"] if compiler.select[n][0].target.attname == key)
    return RelatedLoader(rows, at, info["local_setter"], info["remote_setter"])


def _converter(convert: Callable[..., Any], expression: Any) -> Callable[[Any], Any]:
    """Return the converter of a column: Django's, or a faster one for the most common types on SQLite."""
    if connection.vendor == "sqlite" and isinstance(expression.output_field, BooleanField):
        return bool
    is_moment = connection.vendor == "sqlite" and isinstance(expression.output_field, DateTimeField)
    if is_moment and connection.timezone_name == "UTC":
        return _in_utc
    return lambda value: convert(value, expression, connection)


def _in_utc(value: Any) -> datetime:
    """Convert a datetime as the driver read it: text if the statement returns what it wrote."""
    moment = value if value.__class__ is datetime else datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC)
