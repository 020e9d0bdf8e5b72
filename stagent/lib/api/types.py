"""The kinds of values that come in and go out, each spelled in one way."""

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from stagent.lib.names import NOTHING_SEEN, fault_of
from stagent.lib.text import is_blank

YEARS = range(1970, 3000)
LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")  # what an unescaped + of an offset becomes in an address


def _as_text(value: Any) -> Any:
    return None if value is None else str(value)


def _or_none(value: Any) -> Any:
    return value or None


def _only_text(value: Any) -> Any:
    if value is not None and not isinstance(value, str | datetime | time):
        raise ValueError("Write it as text, in the ISO 8601 way.")
    return value


def _a_moment(value: Any) -> Any:
    """Refuse bare numbers, which pydantic would take for seconds since 1970."""
    value = _only_text(value)
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[-+.\d\s]*", value):
        raise ValueError("Write the moment in the ISO 8601 way, for example 2026-12-01T09:00:00+01:00.")
    return LOST_PLUS.sub("+", value) if "T" in value else value


def _plain_number(value: Any) -> Any:
    """Refuse text that Python reads as a number and people do not: "1_0.5", fullwidth digits, "1e1"."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise ValueError("A number is expected.")
    return value


def _in_utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"The year is to lie between {YEARS[0]} and {YEARS[-1]}.")
    return value.astimezone(UTC)


def _without_offset(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("A time of day has no offset; it is meant in the schedule's own zone.")
    return value


def storable(value: str) -> str:
    """Refuse what no database stores."""
    if "\0" in value or value != value.encode("utf-8", "ignore").decode():
        raise ValueError("The text holds a NUL or half a character.")
    return value


def _one_line(value: str) -> str:
    if fault := fault_of(value):
        raise ValueError(fault)
    return value


def _some_words(value: str) -> str:
    if is_blank(value):
        raise ValueError(NOTHING_SEEN)
    return value


def _id_as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def number(opaque: str) -> int | None:
    """Return the number that an id stands for; None where it can stand for nothing."""
    return int(opaque) if opaque.isascii() and opaque.isdigit() and len(opaque) < 19 else None


Id = Annotated[str, BeforeValidator(_as_text)]  # opaque: never to be counted with
Ref = Annotated[str | None, BeforeValidator(_as_text)]
Said = Annotated[str | None, BeforeValidator(_or_none)]  # null where nothing was said
Text = Annotated[str, AfterValidator(storable)]
AnyId = Annotated[Text, BeforeValidator(_id_as_text)]  # lenient about 7 for "7"
Words = Annotated[Text, AfterValidator(_some_words)]
Name = Annotated[Words, AfterValidator(str.strip), AfterValidator(_one_line)]
Moment = Annotated[AwareDatetime, BeforeValidator(_a_moment), AfterValidator(_in_utc)]
DayTime = Annotated[time, BeforeValidator(_only_text), AfterValidator(_without_offset)]
Whole = StrictInt
Money = Annotated[Decimal, BeforeValidator(_plain_number)]
Warnings = list[dict[str, Any]]  # each with a type, and a message or a suggestion


class RequestBody(BaseModel):
    """What comes in: a field that we do not know is refused by its name."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """What goes out, read from a database row."""

    model_config = ConfigDict(from_attributes=True)


class Page[Item](BaseModel):
    """A stretch of a list, and how long the list is."""

    items: list[Item]
    count: int


class Listed[Item](Page[Item]):
    """A stretch of a list that grows, and where the next one begins."""

    next: str | None = Field(description="The `cursor` of the next page; null: there is none.")


class ListQuery:
    """A database row together with what is derived from it."""

    def __init__(self, row: Any, **derived: Any) -> None:
        self.__dict__.update(derived)
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)
