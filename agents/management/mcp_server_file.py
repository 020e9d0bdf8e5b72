"""MCP servers in a YAML file, found by their short names and changed by the use case of the API."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError as SchemaError

from agents.api.mcp_requests import NewMcpServer
from agents.mcp import setup
from agents.mcp.setup import CHANGEABLE_FIELDS, FIELDS, Actor
from agents.models import McpServer
from stagent.lib.problems import Problem, of_schema
from stagent.lib.yaml_file.reader import Entry, Fault, Faulty
from stagent.lib.yaml_file.writer import differences, write

ROOT = "mcp_servers"
KEPT = ("slug", "name", "transport")
HEAD = """\
# MCP servers of this install. `manage.py mcpservers plan` says what this file would change, `apply` does it.
# Secrets are named as ${VARIABLE}, from the environment of Stagent. Tools are allowed in the console.
"""
TWICE = "Another server of this file has this short name."


@dataclass(frozen=True)
class Change:
    """What became of one server (+ added, ~ changed, - switched off), with its old and new values."""

    verb: str
    slug: str
    fields: dict[str, tuple[Any, Any]]


@dataclass
class Outcome:
    """What a file has changed."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0

    def lines(self) -> Iterator[str]:
        """Say it, change by change, and how much it is."""
        for change in self.changes:
            yield f"{change.verb} {change.slug}"
            yield from differences(change.fields, is_new=change.verb == "+")
        count = {verb: sum(change.verb == verb for change in self.changes) for verb in "+~-"}
        changing = f"{count['+']} to add, {count['~']} to change, {count['-']} to switch off"
        yield f"{changing}, {self.unchanged} unchanged."


def written(servers: Iterable[McpServer]) -> str:
    """Return the file that holds these servers."""
    return write(ROOT, [_told(server) for server in servers], HEAD)


def carry_out(entries: list[Entry], actor: Actor, *, prune: bool) -> Outcome:
    """Make the install as a file says, in the caller's transaction; raises Faulty with every mistake."""
    there = {server.slug: server for server in McpServer.objects.order_by("slug")}
    outcome, faults, named = Outcome(), list[Fault](), set[str]()
    for entry in entries:
        try:
            change = _carry_out(entry, there, named, actor)
        except Faulty as error:
            faults += error.faults
            continue
        outcome.unchanged += not change.fields
        outcome.changes += [change] if change.fields else []
    if faults:
        raise Faulty(*faults)
    left = [server for slug, server in there.items() if slug not in named and server.enabled]
    for server in left if prune else ():
        setup.change(str(server.pk), {"enabled": False}, actor)
        outcome.changes.append(Change("-", server.slug, {"enabled": (True, False)}))
    return outcome


def _carry_out(entry: Entry, there: dict[str, McpServer], named: set[str], actor: Actor) -> Change:
    slug = entry.values.get("slug")
    if isinstance(slug, str) and slug in named:
        raise Faulty(entry.fault("slug", TWICE))
    try:
        asked = NewMcpServer.model_validate(_defaults() | entry.values).model_dump()
        named.add(asked["slug"])
        return _save(asked, there.get(asked["slug"]), actor)
    except SchemaError as error:
        raise _faulty(entry, of_schema(error.errors())) from None
    except Problem as problem:
        raise _faulty(entry, problem) from None


def _save(asked: dict[str, Any], server: McpServer | None, actor: Actor) -> Change:
    defaults = _defaults()
    if server is None:
        setup.create(asked, actor)
        fields = {name: (None, asked[name]) for name in FIELDS if asked[name] != defaults.get(name)}
        return Change("+", asked["slug"], fields)
    fields = {
        name: (getattr(server, name), asked[name])
        for name in CHANGEABLE_FIELDS
        if asked[name] != getattr(server, name)
    }
    if fields:
        setup.change(str(server.pk), {name: new for name, (_, new) in fields.items()}, actor)
    return Change("~", server.slug, fields)


def _defaults() -> dict[str, Any]:
    """Return what a field is where the file does not say it."""
    columns: dict[str, Any] = {
        name: McpServer._meta.get_field(name) for name in CHANGEABLE_FIELDS if name != "name"
    }
    return {name: column.get_default() for name, column in columns.items()}


def _told(server: McpServer) -> dict[str, Any]:
    defaults = _defaults()
    said = {name: getattr(server, name) for name in (*KEPT, *FIELDS)}  # each once, those of KEPT first
    return {name: value for name, value in said.items() if name in KEPT or value != defaults[name]}


def _faulty(entry: Entry, problem: Problem) -> Faulty:
    found = [entry.fault(name, text) for name, text in problem.fields.items()]
    return Faulty(*found or [Fault(entry.line, problem.message)])
