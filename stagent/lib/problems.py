"""What a program is told when the thing it asked for cannot be done.

Raised by the API and by tools alike; `stagent.api` turns it into an answer, tools into words.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from stagent.lib.text import is_blank, length_fault, storable, too_long

INVALID = "validation_error"


class Problem(Exception):
    """An HTTP status, a code to act on, a message to read and the fields that are wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.fields, self.headers, self.more = dict(fields or {}), dict(headers or {}), dict(more or {})

    @property
    def body(self) -> dict[str, Any]:
        return {"error": self.code, "message": self.message, "fields": self.fields, **self.more}


def invalid(fields: Mapping[str, str], message: str = "") -> Problem:
    """Say which fields are wrong and why, the first of them in the message too."""
    named = " ".join(f"{name}: {text}" for name, text in fields.items())
    return Problem(422, INVALID, message or named or "The request is not valid.", fields=fields)


def typed(field: str, text: str, longest: int) -> str:
    """Return what somebody typed, to be kept; empty where it shows nothing. A Problem if it is too long."""
    words: str = storable(text).strip()
    if fault := too_long(words, longest):
        raise invalid({field: fault})
    return "" if is_blank(words) else words


def of_model(error: ValidationError) -> Problem:
    """Tell what a model's own checks found."""
    if not hasattr(error, "error_dict"):
        return invalid({}, " ".join(error.messages))
    found = {name: " ".join(texts) for name, texts in error.message_dict.items()}
    general = found.pop(NON_FIELD_ERRORS, "")
    return invalid(found, general and " ".join([general, *found.values()]))


def of_schema(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Tell what pydantic found, the first fault of each field."""
    fields: dict[str, str] = {}
    for error in errors:
        place = ".".join(str(part) for part in error["loc"] if not _is_union_arm(part))
        fields.setdefault(place or "body", _sentence(error))
    return invalid(fields)


def _is_union_arm(part: Any) -> bool:
    """Tell pydantic's own words for the arms of a union from names of fields."""
    return isinstance(part, str) and ("[" in part or part in {"str", "int", "float", "decimal", "bool"})


A_MOMENT = "Write the moment in the ISO 8601 way, for example 2026-12-01T09:00:00+01:00."
A_TIME = "Write a time of day, for example 09:30."
A_NUMBER, A_WHOLE_NUMBER = "A number is expected.", "A whole number is expected."
PLAIN = {  # pydantic's kinds of faults, with what it knows of each
    "extra_forbidden": "There is no such field.",
    "missing": "This field is required.",
    "model_type": "A JSON object is expected.",
    "dict_type": "A JSON object is expected.",
    "timezone_aware": "Give the offset too, for example 2026-12-01T09:00:00+01:00.",
    "datetime_parsing": A_MOMENT,
    "datetime_from_date_parsing": A_MOMENT,
    "time_parsing": A_TIME,
    "too_long": "At most {max_length} entries fit; these are {actual_length}.",
    "string_too_short": "Write something.",
    "string_type": "Text is expected.",
    "string_unicode": "The text holds half a character.",
    "bool_type": "Say true or false.",
    "bool_parsing": "Say true or false.",
    "int_type": A_WHOLE_NUMBER,
    "int_parsing": A_WHOLE_NUMBER,
    "int_parsing_size": A_WHOLE_NUMBER,
    "decimal_type": A_NUMBER,
    "decimal_parsing": A_NUMBER,
    "finite_number": A_NUMBER,
    "decimal_max_digits": "At most {max_digits} digits fit.",
    "decimal_whole_digits": "At most {whole_digits} digits fit before the point.",
    "decimal_max_places": "At most {decimal_places} digits fit after the point.",
    "greater_than_equal": "At least {ge}.",
    "less_than_equal": "At most {le}.",
    "enum": "It is one of {expected}.",
    "literal_error": "It is one of {expected}.",
}


def _sentence(error: Mapping[str, Any]) -> str:
    """Say what is wrong; `length` is that of a text, where what was sent is not at hand any more."""
    if error["type"] == "string_too_long":
        return length_fault(error["ctx"]["max_length"], error.get("length") or len(str(error["input"])))
    known = PLAIN.get(error["type"])
    text = known.format_map(error.get("ctx", {})) if known else error["msg"].removeprefix("Value error, ")
    return text if text.endswith((".", "!", "?")) else f"{text}."
