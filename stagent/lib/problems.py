"""Errors for programs: the API and the agents' tools raise them.

`stagent.api` turns a Problem into a response, tools turn it into text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from stagent.lib.text import is_blank, to_storable, too_long, too_long_message

INVALID = "validation_error"


class Problem(Exception):
    """An HTTP status, an error code, a message and the invalid fields."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.fields, self.headers, self.extra = dict(fields or {}), dict(headers or {}), dict(extra or {})

    @property
    def body(self) -> dict[str, Any]:
        return {"error": self.code, "message": self.message, "fields": self.fields, **self.extra}


def invalid(fields: Mapping[str, str], message: str = "") -> Problem:
    """Return a validation error for these fields; by default the message lists all of them."""
    summary = " ".join(f"{name}: {text}" for name, text in fields.items())
    return Problem(422, INVALID, message or summary or "The request is not valid.", fields=fields)


def clean_input(field: str, text: str, max_length: int) -> str:
    """Return what a user typed, cleaned; empty if it is blank. Raises a Problem if it is too long."""
    cleaned: str = to_storable(text).strip()
    if fault := too_long(cleaned, max_length):
        raise invalid({field: fault})
    return "" if is_blank(cleaned) else cleaned


def from_model_error(error: ValidationError) -> Problem:
    """Convert the errors of a model's validation."""
    if not hasattr(error, "error_dict"):
        return invalid({}, " ".join(error.messages))
    found = {name: " ".join(texts) for name, texts in error.message_dict.items()}
    message = found.pop(NON_FIELD_ERRORS, "")
    return invalid(found, message and " ".join([message, *found.values()]))


def from_schema_errors(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Convert pydantic's errors, the first one of each field."""
    fields: dict[str, str] = {}
    for error in errors:
        location = ".".join(str(part) for part in error["loc"] if not _is_union_arm(part))
        fields.setdefault(location or "body", _sentence(error))
    return invalid(fields)


def _is_union_arm(part: Any) -> bool:
    """Return whether a part of pydantic's location names the arm of a union, and not a field."""
    return isinstance(part, str) and ("[" in part or part in {"str", "int", "float", "decimal", "bool"})


TIMESTAMP_EXPECTED = "Expected an ISO 8601 timestamp, for example 2026-12-01T09:00:00+01:00."
TIME_EXPECTED = "Expected a time of day, for example 09:30."
NUMBER_EXPECTED, WHOLE_NUMBER_EXPECTED = "Expected a number.", "Expected a whole number."
MESSAGES = {  # by pydantic's error type; the placeholders are its context
    "extra_forbidden": "Unknown field.",
    "missing": "This field is required.",
    "model_type": "Expected a JSON object.",
    "dict_type": "Expected a JSON object.",
    "timezone_aware": "Add the UTC offset, for example 2026-12-01T09:00:00+01:00.",
    "datetime_parsing": TIMESTAMP_EXPECTED,
    "datetime_from_date_parsing": TIMESTAMP_EXPECTED,
    "time_parsing": TIME_EXPECTED,
    "too_long": "At most {max_length} entries are allowed; there are {actual_length}.",
    "string_too_short": "Enter some text.",
    "string_type": "Expected text.",
    "string_unicode": "The text contains an unpaired surrogate.",
    "bool_type": "Expected true or false.",
    "bool_parsing": "Expected true or false.",
    "int_type": WHOLE_NUMBER_EXPECTED,
    "int_parsing": WHOLE_NUMBER_EXPECTED,
    "int_parsing_size": WHOLE_NUMBER_EXPECTED,
    "decimal_type": NUMBER_EXPECTED,
    "decimal_parsing": NUMBER_EXPECTED,
    "finite_number": NUMBER_EXPECTED,
    "decimal_max_digits": "At most {max_digits} digits are allowed.",
    "decimal_whole_digits": "At most {whole_digits} digits are allowed before the decimal point.",
    "decimal_max_places": "At most {decimal_places} digits are allowed after the decimal point.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than_equal": "Must be at most {le}.",
    "enum": "Must be one of {expected}.",
    "literal_error": "Must be one of {expected}.",
}


def _sentence(error: Mapping[str, Any]) -> str:
    """Return the message of an error; `length` is that of a text whose input is not available any more."""
    if error["type"] == "string_too_long":
        return too_long_message(error["ctx"]["max_length"], error.get("length") or len(str(error["input"])))
    template = MESSAGES.get(error["type"])
    text = (
        template.format_map(error.get("ctx", {})) if template else error["msg"].removeprefix("Value error, ")
    )
    return text if text.endswith((".", "!", "?")) else f"{text}."
