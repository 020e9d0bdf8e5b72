"""Reads the arguments of a tool call exactly as they were written: half of them are none of them.

A lenient reader makes `{"limit": 5, "na` a call with the limit 5, which nobody asked for.
"""

import json
import math
from collections.abc import Sequence
from typing import Any


class NotJson(ValueError):
    """The text is not one whole JSON value; the message says where it goes wrong."""


def parse(text: str) -> Any:
    """Return the value of a JSON text; NotJson where it is cut off, ambiguous or not JSON."""
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


def why_not(text: str) -> str:
    """Say why a text that a model wrote cannot be the arguments of a call."""
    if not text.strip():
        return "nothing was written"
    try:
        parse(text)
    except NotJson as error:
        return str(error)
    return "this is a string"


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotJson(f"{name!r} is given twice")
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise NotJson(f"{digits} is too large a number")
    return value
