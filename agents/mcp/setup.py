"""Setting up MCP servers in somebody's name: the one way of the API and of files.

The rules are the model's own, which the console's form asks, too. Whoever says how a server is reached says
what runs on this machine, so that is a permission of its own; secrets are named as ${VARIABLE}, never kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from agents.mcp import probe
from agents.models import McpServer
from stagent.lib.api.types import number
from stagent.lib.api.versions import ANY, Expected, version_of
from stagent.lib.log import audit_log
from stagent.lib.problems import Problem, invalid, of_model
from stagent.lib.text import clip

SET_UP = "set_up_mcpserver"
REACH = ("transport", "command", "arguments", "env", "url", "headers")
LIMITS = ("permission", "connect_timeout_sec", "call_timeout_sec")
CHANGEABLE = ("name", "enabled", *REACH, *LIMITS)
FIELDS = ("slug", *CHANGEABLE)
FOR_GOOD = "The tools of the server are named by it, so it cannot be changed."


@dataclass(frozen=True)
class Actor:
    """A user at a door, for example "the API"."""

    user: User
    door: str

    def must_have(self, permission: str) -> None:
        """Refuse whoever lacks a permission of this app."""
        if not self.user.has_perm(f"agents.{permission}"):
            raise Problem(403, "permission_denied", f"You need the permission agents.{permission}.")

    def note(self, server: McpServer, flag: int, message: str) -> None:
        """Write what they did into the admin log."""
        audit_log.record(self.user, server, flag, f"{message} Through {self.door}.")


def find(server_id: str) -> McpServer:
    """Return a server by its opaque id."""
    return _found(server_id, McpServer.objects.prefetch_related("tools"))


def version(server: McpServer) -> str:
    """Return what If-Match takes for a server: it stands for the fields of a PATCH."""
    return version_of(server, CHANGEABLE)


def create(values: Mapping[str, Any], actor: Actor) -> McpServer:
    """Add a server. None of its tools is offered until somebody has looked at them and allowed them."""
    actor.must_have("add_mcpserver")
    actor.must_have(SET_UP)
    with transaction.atomic():
        server = _save(McpServer(), values)
        actor.note(server, audit_log.ADDITION, "Added.")
    return server


def change(server_id: str, values: Mapping[str, Any], actor: Actor, expected: Expected = ANY) -> McpServer:
    """Change the given fields, all or none, if the server is as it is expected to be."""
    actor.must_have("change_mcpserver")
    with transaction.atomic():
        server = _found(server_id, McpServer.objects.select_for_update())
        expected.require(version(server))
        if any(values[name] != getattr(server, name) for name in REACH if name in values):
            actor.must_have(SET_UP)
        if values.get("slug", server.slug) != server.slug:
            raise invalid({"slug": FOR_GOOD})
        _save(server, values)
        actor.note(server, audit_log.CHANGE, f"Changed {', '.join(sorted(values)) or 'nothing'}.")
    return find(server_id)


def remove(server_id: str, actor: Actor) -> None:
    """Delete a server with its tools. Profiles that name them go on without."""
    actor.must_have("delete_mcpserver")
    with transaction.atomic():
        server = _found(server_id, McpServer.objects.select_for_update())
        actor.note(server, audit_log.DELETION, "Deleted.")
        server.delete()


def test(server_id: str, actor: Actor, now: datetime) -> McpServer:
    """Connect now and list its tools; `error` says what went wrong. Not in a transaction: it takes long."""
    actor.must_have("change_mcpserver")
    probe.refresh(find(server_id), now)
    return find(server_id)


def _found(server_id: str, rows: Any) -> McpServer:
    key = number(server_id)
    found: McpServer | None = None if key is None else rows.filter(pk=key).first()
    if found is None:
        raise Problem(404, "mcp_server_not_found", f"There is no MCP server {clip(server_id, 80)!r}.")
    return found


def _save(server: McpServer, values: Mapping[str, Any]) -> McpServer:
    for name, value in values.items():
        setattr(server, name, value)
    if wrong := [name for name in server.of_other_ways if values.get(name)]:
        raise invalid(dict.fromkeys(wrong, f"A server whose transport is {server.transport} has none."))
    try:
        server.full_clean()
        with transaction.atomic():
            server.save()
    except ValidationError as error:
        raise of_model(error) from None
    except IntegrityError:
        raise invalid(
            {"slug": "Another server has this short name, or this name."}
        ) from None  # since the check
    return server
