"""A tool as its server describes it: made visible, judged fit or not, and reduced to a digest."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.tools.schema_check import TYPES
from stagent.lib.text import clip, shorten

MOST_TOOLS = 300  # of one server
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 8_000
LARGEST_SCHEMA = 40_000  # characters of JSON: every request to a model carries it
DEEPEST = 20
PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")  # what the Messages API accepts
AT_THE_TOP = ("anyOf", "oneOf", "allOf", "$ref")  # refused there by the Messages API
TASK = "task"
BOUNDS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")


@dataclass(frozen=True)
class DiscoveredTool:
    """What a server says of one tool, with nothing in it that the eye would miss."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    annotations: dict[str, Any]
    needs_task: bool = False  # it is called as a task of its own only, which is polled

    @classmethod
    def read(cls, said: dict[str, Any]) -> "DiscoveredTool":
        """Read an entry of the server's list."""
        said = _visible(said)
        return cls(
            name=str(said.get("name", "")),
            title=shorten(str(said.get("title") or ""), LONGEST_NAME),
            description=str(said.get("description") or ""),
            input_schema=said.get("inputSchema") or {},
            annotations=said.get("annotations") or {},
            needs_task=(said.get("execution") or {}).get("taskSupport") == "required",
        )

    @property
    def as_shown(self) -> dict[str, Any]:
        """All that somebody looks at before they allow it."""
        return {
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "annotations": self.annotations,
        }

    @property
    def digest(self) -> str:
        """Stand for all of it: another word anywhere is another digest."""
        said = json.dumps([self.name, self.as_shown, *([TASK] if self.needs_task else [])], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def fault(self) -> str:
        """Say why no model would take it; empty where all is well."""
        return clip(next(self._faults(), ""), 300)

    def _faults(self) -> Iterator[str]:
        if not self.name or len(self.name) > LONGEST_NAME:
            yield "Its name is empty or too long."
        if self.needs_task:
            yield "It wants calls as a task only (taskSupport is required), which is not supported."
        if len(self.description) > LONGEST_DESCRIPTION:
            yield f"Its description is longer than {LONGEST_DESCRIPTION:,} characters."
        if len(json.dumps(self.input_schema)) > LARGEST_SCHEMA:
            yield f"The schema of its arguments is longer than {LARGEST_SCHEMA:,} characters."
        if self.input_schema.get("type") != "object":
            yield "The schema of its arguments does not describe an object."
        if combined := [word for word in AT_THE_TOP if word in self.input_schema]:
            yield f"The schema of its arguments has {combined[0]} at its top, which models refuse."
        yield from _schema_faults(self.input_schema, "arguments", DEEPEST)


def _schema_faults(schema: Any, where: str, depth: int) -> Iterator[str]:
    """Find what the check of arguments, or the model's server, would stumble over."""
    if not isinstance(schema, dict) or depth == 0:
        yield f"The schema of {where} is no object, or nested too deeply."
        return
    yield from _keyword_faults(schema, where)
    properties = schema.get("properties", {})
    if not isinstance(properties, dict) or not all(map(PROPERTY.fullmatch, properties)):
        yield f"A property of {where} has a name that models refuse."
        return
    for name, inner in properties.items():
        yield from _schema_faults(inner, clip(f"{where}.{name}", 100), depth - 1)
    if isinstance(items := schema.get("items"), dict):
        yield from _schema_faults(items, clip(f"{where}[]", 100), depth - 1)


def _keyword_faults(schema: dict[str, Any], where: str) -> Iterator[str]:
    kinds, required = schema.get("type", []), schema.get("required", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not all(kind in TYPES for kind in kinds):
        yield f"The type of {where} is not known."
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield f"What {where} require is no list of names."
    if not isinstance(schema.get("enum", []), list):
        yield f"The choices of {where} are no list."
    if any(type(schema.get(word, 0)) not in (int, float) for word in BOUNDS):
        yield f"A bound of {where} is no number."


def _visible(value: Any) -> Any:
    """Write out characters that are not to be seen: a model reads them, and so must who allows the tool."""
    if isinstance(value, str):
        plain = value.replace("\r\n", "\n")
        return "".join(char if _is_seen(char) else f"\\u{{{ord(char):x}}}" for char in plain)
    if isinstance(value, dict):
        return {_visible(key): _visible(inner) for key, inner in value.items()}
    return [_visible(inner) for inner in value] if isinstance(value, list) else value


def _is_seen(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
