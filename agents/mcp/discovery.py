"""Stores the discovered tools of servers. Only a person allows them, after reviewing them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from agents.mcp.errors import McpError
from agents.mcp.names import build_name
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer, McpTool
from stagent.lib.text import clip

SEEN_INTERVAL = timedelta(minutes=1)  # between updates of seen_at if nothing else changed
MAX_ERROR_CHARS = 2_000


def record_tools(pk: int, discovered: list[DiscoveredTool], announced: str, now: datetime) -> None:
    """Store the current tools of a server. Removed tools are deleted unless they were allowed before."""
    with transaction.atomic():
        server = McpServer.objects.select_for_update().filter(pk=pk).first()
        if server is None:
            return
        known = {tool.name: tool for tool in server.tools.all()}
        listed = {each.name: each for each in discovered}  # of two tools with one name the last counts
        for each in listed.values():
            _store(server, known, each)
        gone = [tool for name, tool in known.items() if name not in listed]
        McpTool.objects.filter(pk__in=[tool.pk for tool in gone], allowed_digest="").delete()
        McpTool.objects.filter(pk__in=[tool.pk for tool in gone], gone=False).update(gone=True)
        _mark_seen(server, announced, now)


def record_failure(pk: int, error: McpError, now: datetime) -> None:
    """Store why a server failed; its tools stay unchanged."""
    McpServer.objects.filter(pk=pk).update(error=clip(error.full_text, MAX_ERROR_CHARS), error_at=now)


def allow(tools: Iterable[tuple[McpTool, str]], user: User | None, now: datetime) -> list[McpTool]:
    """Allow tools in the version with the given digest; return those that have changed since."""
    changed = []
    for tool, digest in tools:
        unchanged = McpTool.objects.filter(pk=tool.pk, digest=digest, fault="", gone=False)
        snapshot = {
            name: getattr(tool, name) for name in ("title", "description", "input_schema", "annotations")
        }
        if not unchanged.update(allowed_digest=digest, allowed_as=snapshot, allowed_at=now, allowed_by=user):
            changed.append(tool)
    return changed


def disallow(tools: Iterable[McpTool]) -> None:
    """Stop offering these tools."""
    pks = [tool.pk for tool in tools]
    McpTool.objects.filter(pk__in=pks).update(
        allowed_digest="", allowed_as=None, allowed_at=None, allowed_by=None
    )
    McpTool.objects.filter(pk__in=pks, gone=True).delete()


def _store(server: McpServer, known: dict[str, McpTool], discovered: DiscoveredTool) -> None:
    tool = known.get(discovered.name)
    if tool and (tool.digest, tool.gone) == (discovered.digest, False):
        return
    if tool is None:
        taken = {each.offered_as for each in known.values()}
        tool = McpTool(server=server, name=discovered.name)
        tool.offered_as = build_name(server.slug, discovered.name, taken)
        known[discovered.name] = tool
    for name, value in discovered.as_reviewed.items():
        setattr(tool, name, value)
    tool.digest, tool.fault, tool.gone = discovered.digest, discovered.fault, False
    tool.save()


def _mark_seen(server: McpServer, announced: str, now: datetime) -> None:
    is_recent = server.seen_at and now - server.seen_at < SEEN_INTERVAL
    if is_recent and not server.error and server.announced == announced:
        return
    server.seen_at, server.announced, server.error, server.error_at = now, announced, "", None
    server.save(update_fields=["seen_at", "announced", "error", "error_at"])
