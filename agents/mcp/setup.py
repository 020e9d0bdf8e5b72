"""Creates, changes and deletes MCP servers for the API and for server files.

The rules are those of the model, which the console's form uses, too. The connection fields decide which
commands run on this machine, so they need a permission of their own. Secrets are written as ${VARIABLE} and
never stored.
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
from stagent.lib.api.types import parse_id
from stagent.lib.api.versions import ANY, ExpectedVersions, version_of
from stagent.lib.log import audit_log
from stagent.lib.problems import Problem, from_model_error, invalid
from stagent.lib.text import clip

SET_UP_PERMISSION = "set_up_mcpserver"
CONNECTION_FIELDS = ("transport", "command", "arguments", "env", "url", "headers")
LIMIT_FIELDS = ("permission", "connect_timeout_sec", "call_timeout_sec")
CHANGEABLE_FIELDS = ("name", "enabled", *CONNECTION_FIELDS, *LIMIT_FIELDS)
FIELDS = ("slug", *CHANGEABLE_FIELDS)
SLUG_IS_FIXED = "The short name cannot be changed: the names of the tools begin with it."


@dataclass(frozen=True)
class Actor:
    """The user who acts, and through what, for example "the API"."""

    user: User
    source: str

    def require(self, permission: str) -> None:
        """Raise `Problem` 403 if the user lacks a permission of this app."""
        if not self.user.has_perm(f"agents.{permission}"):
            raise Problem(403, "permission_denied", f"You need the permission agents.{permission}.")

    def log(self, server: McpServer, flag: int, message: str) -> None:
        """Write an audit log entry."""
        audit_log.record(self.user, server, flag, f"{message} through {self.source}.")


def find(server_id: str) -> McpServer:
    """Return a server by its opaque id."""
    return _get(server_id, McpServer.objects.prefetch_related("tools"))


def version(server: McpServer) -> str:
    """Return the version of a server for If-Match; it covers the fields of a PATCH."""
    return version_of(server, CHANGEABLE_FIELDS)


def create(values: Mapping[str, Any], actor: Actor) -> McpServer:
    """Add a server. Its tools are offered once a person has reviewed and allowed them."""
    actor.require("add_mcpserver")
    actor.require(SET_UP_PERMISSION)
    with transaction.atomic():
        server = _save(McpServer(), values)
        actor.log(server, audit_log.ADDITION, "Added")
    return server


def change(
    server_id: str, values: Mapping[str, Any], actor: Actor, expected: ExpectedVersions = ANY
) -> McpServer:
    """Change the given fields, all or none, if the version matches."""
    actor.require("change_mcpserver")
    with transaction.atomic():
        server = _get(server_id, McpServer.objects.select_for_update())
        expected.require(version(server))
        if any(values[name] != getattr(server, name) for name in CONNECTION_FIELDS if name in values):
            actor.require(SET_UP_PERMISSION)
        if values.get("slug", server.slug) != server.slug:
            raise invalid({"slug": SLUG_IS_FIXED})
        _save(server, values)
        actor.log(server, audit_log.CHANGE, f"Changed {', '.join(sorted(values)) or 'nothing'}")
    return find(server_id)


def remove(server_id: str, actor: Actor) -> None:
    """Delete a server with its tools. Profiles that name them continue without."""
    actor.require("delete_mcpserver")
    with transaction.atomic():
        server = _get(server_id, McpServer.objects.select_for_update())
        actor.log(server, audit_log.DELETION, "Deleted")
        server.delete()


def test(server_id: str, actor: Actor, now: datetime) -> McpServer:
    """Connect and list the tools; sets `error` on failure. Slow: do not call it in a transaction."""
    actor.require("change_mcpserver")
    probe.refresh(find(server_id), now)
    return find(server_id)


def _get(server_id: str, rows: Any) -> McpServer:
    key = parse_id(server_id)
    server: McpServer | None = None if key is None else rows.filter(pk=key).first()
    if server is None:
        raise Problem(404, "mcp_server_not_found", f"MCP server {clip(server_id, 80)!r} not found.")
    return server


def _save(server: McpServer, values: Mapping[str, Any]) -> McpServer:
    for name, value in values.items():
        setattr(server, name, value)
    if unused := [name for name in server.unused_fields if values.get(name)]:
        raise invalid(dict.fromkeys(unused, f"Not used with the transport {server.transport}; remove it."))
    try:
        server.full_clean()
        with transaction.atomic():
            server.save()
    except ValidationError as error:
        raise from_model_error(error) from None
    except IntegrityError:
        raise invalid(
            {"slug": "Another server already has this name or short name."}
        ) from None  # created after full_clean
    return server
