"""MCP servers in a YAML file: matched by short name and saved by `agents.mcp.setup`, like the API."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError as SchemaError

from agents.api.mcp_requests import NewMcpServer
from agents.mcp import setup
from agents.mcp.setup import CHANGEABLE_FIELDS, FIELDS, Actor
from agents.models import McpServer
from stagent.lib.problems import Problem, from_schema_errors
from stagent.lib.yaml_file.reader import Entry, Fault, InvalidFile
from stagent.lib.yaml_file.writer import describe_changes, write

ROOT = "mcp_servers"
ALWAYS_WRITTEN = ("slug", "name", "transport")
HEAD = """\
# MCP servers of this install. `manage.py mcpservers plan` shows what this file changes, `apply` changes it.
# Secrets: write ${VARIABLE} to insert a variable from the environment of Stagent. Allow tools in the console.
"""
DUPLICATE = "Another server in this file has this short name."


@dataclass(frozen=True)
class Change:
    """The change of one server (+ added, ~ changed, - disabled), with old and new values."""

    sign: str
    slug: str
    fields: dict[str, tuple[Any, Any]]


@dataclass
class Outcome:
    """The changes that a file makes."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0

    def lines(self) -> Iterator[str]:
        """Yield the changes as text lines, and a summary."""
        for change in self.changes:
            yield f"{change.sign} {change.slug}"
            yield from describe_changes(change.fields, is_new=change.sign == "+")
        count = {sign: sum(change.sign == sign for change in self.changes) for sign in "+~-"}
        summary = f"{count['+']} to add, {count['~']} to change, {count['-']} to disable"
        yield f"{summary}, {self.unchanged} unchanged."


def render(servers: Iterable[McpServer]) -> str:
    """Return the YAML file with these servers."""
    return write(ROOT, [_values(server) for server in servers], HEAD)


def apply(entries: list[Entry], actor: Actor, *, prune: bool) -> Outcome:
    """Apply a file in the caller's transaction; raise InvalidFile with all mistakes."""
    existing = {server.slug: server for server in McpServer.objects.order_by("slug")}
    outcome, faults, named = Outcome(), list[Fault](), set[str]()
    for entry in entries:
        try:
            change = _apply_entry(entry, existing, named, actor)
        except InvalidFile as error:
            faults += error.faults
            continue
        outcome.unchanged += not change.fields
        outcome.changes += [change] if change.fields else []
    if faults:
        raise InvalidFile(*faults)
    unnamed = [server for slug, server in existing.items() if slug not in named and server.enabled]
    for server in unnamed if prune else ():
        setup.change(str(server.pk), {"enabled": False}, actor)
        outcome.changes.append(Change("-", server.slug, {"enabled": (True, False)}))
    return outcome


def _apply_entry(entry: Entry, existing: dict[str, McpServer], named: set[str], actor: Actor) -> Change:
    slug = entry.values.get("slug")
    if isinstance(slug, str) and slug in named:
        raise InvalidFile(entry.fault("slug", DUPLICATE))
    try:
        values = NewMcpServer.model_validate(_defaults() | entry.values).model_dump()
        named.add(values["slug"])
        return _save(values, existing.get(values["slug"]), actor)
    except SchemaError as error:
        raise _faulty(entry, from_schema_errors(error.errors())) from None
    except Problem as problem:
        raise _faulty(entry, problem) from None


def _save(values: dict[str, Any], server: McpServer | None, actor: Actor) -> Change:
    defaults = _defaults()
    if server is None:
        setup.create(values, actor)
        fields = {name: (None, values[name]) for name in FIELDS if values[name] != defaults.get(name)}
        return Change("+", values["slug"], fields)
    fields = {
        name: (getattr(server, name), values[name])
        for name in CHANGEABLE_FIELDS
        if values[name] != getattr(server, name)
    }
    if fields:
        setup.change(str(server.pk), {name: new for name, (_, new) in fields.items()}, actor)
    return Change("~", server.slug, fields)


def _defaults() -> dict[str, Any]:
    """Return the values of fields that the file omits."""
    columns: dict[str, Any] = {
        name: McpServer._meta.get_field(name) for name in CHANGEABLE_FIELDS if name != "name"
    }
    return {name: column.get_default() for name, column in columns.items()}


def _values(server: McpServer) -> dict[str, Any]:
    defaults = _defaults()
    values = {name: getattr(server, name) for name in (*ALWAYS_WRITTEN, *FIELDS)}  # ALWAYS_WRITTEN first
    return {
        name: value for name, value in values.items() if name in ALWAYS_WRITTEN or value != defaults[name]
    }


def _faulty(entry: Entry, problem: Problem) -> InvalidFile:
    faults = [entry.fault(name, text) for name, text in problem.fields.items()]
    return InvalidFile(*faults or [Fault(entry.line, problem.message)])
