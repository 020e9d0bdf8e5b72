"""The types of request and response values; each is written in one way."""

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from stagent.lib.names import BLANK, name_fault
from stagent.lib.text import is_blank

YEARS = range(1970, 3000)
UNESCAPED_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")  # an unescaped + in a URL arrives as a blank


def _as_text(value: Any) -> Any:
    return None if value is None else str(value)


def _empty_to_none(value: Any) -> Any:
    return value or None


def _require_text(value: Any) -> Any:
    if value is not None and not isinstance(value, str | datetime | time):
        raise ValueError("Expected text in ISO 8601 format.")
    return value


def _require_iso_text(value: Any) -> Any:
    """Refuse bare numbers, which pydantic would read as seconds since 1970."""
    value = _require_text(value)
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[-+.\d\s]*", value):
        raise ValueError("Expected an ISO 8601 timestamp, for example 2026-12-01T09:00:00+01:00.")
    return UNESCAPED_PLUS.sub("+", value) if "T" in value else value


def _require_plain_number(value: Any) -> Any:
    """Refuse text that Python reads as a number and people do not: "1_0.5", fullwidth digits, "1e1"."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise ValueError("Expected a number.")
    return value


def _to_utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"The year must be between {YEARS[0]} and {YEARS[-1]}.")
    return value.astimezone(UTC)


def _without_offset(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("A time of day has no offset; it is in the schedule's time zone.")
    return value


def check_storable(value: str) -> str:
    """Raise ValueError for text that no database stores."""
    if "\0" in value or value != value.encode("utf-8", "ignore").decode():
        raise ValueError("The text contains a NUL or an unpaired surrogate.")
    return value


def _one_line(value: str) -> str:
    if fault := name_fault(value):
        raise ValueError(fault)
    return value


def _require_visible(value: str) -> str:
    if is_blank(value):
        raise ValueError(BLANK)
    return value


def _int_to_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def parse_id(text: str) -> int | None:
    """Return the number of an id; None if no id has this form."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


Id = Annotated[str, BeforeValidator(_as_text)]  # opaque: clients must not calculate with it
NullableId = Annotated[str | None, BeforeValidator(_as_text)]
NullableText = Annotated[str | None, BeforeValidator(_empty_to_none)]  # an empty value becomes null
Text = Annotated[str, AfterValidator(check_storable)]
IdInput = Annotated[Text, BeforeValidator(_int_to_text)]  # accepts 7 for "7"
NonBlankText = Annotated[Text, AfterValidator(_require_visible)]
Name = Annotated[NonBlankText, AfterValidator(str.strip), AfterValidator(_one_line)]
Timestamp = Annotated[AwareDatetime, BeforeValidator(_require_iso_text), AfterValidator(_to_utc)]
TimeOfDay = Annotated[time, BeforeValidator(_require_text), AfterValidator(_without_offset)]
WholeNumber = StrictInt
Money = Annotated[Decimal, BeforeValidator(_require_plain_number)]
Warnings = list[dict[str, Any]]  # each with `type`, and `message` or `suggestion`


class RequestBody(BaseModel):
    """A request body; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """A response object, read from a database row."""

    model_config = ConfigDict(from_attributes=True)


class Page[Item](BaseModel):
    """A page of a list and the length of the whole list."""

    items: list[Item]
    count: int


class CursorPage[Item](Page[Item]):
    """A page of a list that grows, and the cursor of the next page."""

    next: str | None = Field(description="The `cursor` of the next page; null on the last one.")


class RowWithExtras:
    """A database row together with computed attributes."""

    def __init__(self, row: Any, **derived: Any) -> None:
        self.__dict__.update(derived)
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)
