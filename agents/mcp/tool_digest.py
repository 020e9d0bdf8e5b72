"""A tool as its server describes it: normalised, validated, and identified by a digest."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.tools.schema_check import TYPES
from stagent.lib.text import clip, shorten

MAX_TOOLS = 300  # of one server
MAX_NAME_CHARS = 200
MAX_DESCRIPTION_CHARS = 8_000
MAX_SCHEMA_CHARS = 40_000  # of JSON: it is part of every request to a model
MAX_DEPTH = 20
PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")  # what the Messages API accepts
TOP_LEVEL_REFUSED = ("anyOf", "oneOf", "allOf", "$ref")  # by the Messages API
TASK = "task"
LIMIT_KEYWORDS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")


@dataclass(frozen=True)
class DiscoveredTool:
    """One tool as listed by a server; invisible characters are escaped."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    annotations: dict[str, Any]
    needs_task: bool = False  # only callable as an MCP task, which has to be polled

    @classmethod
    def parse(cls, entry: dict[str, Any]) -> "DiscoveredTool":
        """Parse an entry of the server's list of tools."""
        entry = _escape_invisible(entry)
        return cls(
            name=str(entry.get("name", "")),
            title=shorten(str(entry.get("title") or ""), MAX_NAME_CHARS),
            description=str(entry.get("description") or ""),
            input_schema=entry.get("inputSchema") or {},
            annotations=entry.get("annotations") or {},
            needs_task=(entry.get("execution") or {}).get("taskSupport") == "required",
        )

    @property
    def as_reviewed(self) -> dict[str, Any]:
        """The fields that a person reviews before allowing the tool."""
        return {
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "annotations": self.annotations,
        }

    @property
    def digest(self) -> str:
        """A hash of all fields: any change results in another digest."""
        definition = json.dumps(
            [self.name, self.as_reviewed, *([TASK] if self.needs_task else [])], sort_keys=True
        )
        return hashlib.sha256(definition.encode()).hexdigest()

    @property
    def fault(self) -> str:
        """Why models would refuse the tool; empty if it is valid."""
        return clip(next(self._faults(), ""), 300)

    def _faults(self) -> Iterator[str]:
        if not self.name or len(self.name) > MAX_NAME_CHARS:
            yield "Its name is empty or too long."
        if self.needs_task:
            yield "It can only be called as a task (taskSupport is required), which is not supported."
        if len(self.description) > MAX_DESCRIPTION_CHARS:
            yield f"Its description is longer than {MAX_DESCRIPTION_CHARS:,} characters."
        if len(json.dumps(self.input_schema)) > MAX_SCHEMA_CHARS:
            yield f"The schema of its arguments is longer than {MAX_SCHEMA_CHARS:,} characters."
        if self.input_schema.get("type") != "object":
            yield "The schema of its arguments does not describe an object."
        if combined := [word for word in TOP_LEVEL_REFUSED if word in self.input_schema]:
            yield f"The schema of its arguments has {combined[0]} at the top level, which models refuse."
        yield from _schema_faults(self.input_schema, "arguments", MAX_DEPTH)


def _schema_faults(schema: Any, where: str, depth: int) -> Iterator[str]:
    """Yield what the argument check or the provider would refuse."""
    if not isinstance(schema, dict) or depth == 0:
        yield f"The schema of {where} is not an object, or nested too deeply."
        return
    yield from _keyword_faults(schema, where)
    properties = schema.get("properties", {})
    if not isinstance(properties, dict) or not all(map(PROPERTY_NAME.fullmatch, properties)):
        yield f"A property of {where} has a name that models refuse."
        return
    for name, inner in properties.items():
        yield from _schema_faults(inner, clip(f"{where}.{name}", 100), depth - 1)
    if isinstance(items := schema.get("items"), dict):
        yield from _schema_faults(items, clip(f"{where}[]", 100), depth - 1)


def _keyword_faults(schema: dict[str, Any], where: str) -> Iterator[str]:
    types, required = schema.get("type", []), schema.get("required", [])
    types = [types] if isinstance(types, str) else types
    if not isinstance(types, list) or not all(name in TYPES for name in types):
        yield f"The type of {where} is unknown."
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield f"`required` of {where} is not a list of names."
    if not isinstance(schema.get("enum", []), list):
        yield f"`enum` of {where} is not a list."
    if any(type(schema.get(word, 0)) not in (int, float) for word in LIMIT_KEYWORDS):
        yield f"A limit of {where} is not a number."


def _escape_invisible(value: Any) -> Any:
    """Escape invisible characters: a model reads them, so the person who allows the tool must see them."""
    if isinstance(value, str):
        plain = value.replace("\r\n", "\n")
        return "".join(char if _is_visible(char) else f"\\u{{{ord(char):x}}}" for char in plain)
    if isinstance(value, dict):
        return {_escape_invisible(key): _escape_invisible(inner) for key, inner in value.items()}
    return [_escape_invisible(inner) for inner in value] if isinstance(value, list) else value


def _is_visible(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
