"""A strict JSON parser for the arguments of tool calls.

A lenient parser reads `{"limit": 5, "na` as a call with limit 5, which the model did not ask for.
"""

import json
import math
from collections.abc import Sequence
from typing import Any


class NotJson(ValueError):
    """The text is not one complete JSON value; the message says what is wrong and where."""


def parse(text: str) -> Any:
    """Return the value of a JSON text; raise NotJson if it is cut off, ambiguous or invalid."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        raise NotJson("it ends too early" if cut else f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise NotJson(str(error)) from None


def describe_fault(text: str) -> str:
    """Return why a text cannot be the arguments of a call."""
    if not text.strip():
        return "it is empty"
    try:
        parse(text)
    except NotJson as error:
        return str(error)
    return "it is a string"


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise NotJson(f"{name!r} is given twice")
        values[name] = value
    return values


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise NotJson(f"{digits} is too large a number")
    return value
