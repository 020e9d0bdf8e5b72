"""What was found at a server, written down. Finding never allows: a person does, having seen it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from agents.mcp.errors import McpError
from agents.mcp.names import offered_as
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer, McpTool
from stagent.lib.text import clip

SEEN_LATELY = timedelta(minutes=1)  # runs need not write that a server is as it was
LONGEST_ERROR = 2_000


def record_tools(pk: int, found: list[DiscoveredTool], announced: str, now: datetime) -> None:
    """Keep a server's tools as it lists them now; those that were never allowed are dropped once they go."""
    with transaction.atomic():
        server = McpServer.objects.select_for_update().filter(pk=pk).first()
        if server is None:
            return
        known = {tool.name: tool for tool in server.tools.all()}
        listed = {each.name: each for each in found}  # a name listed twice is the last one's
        for each in listed.values():
            _keep(server, known, each)
        gone = [tool for name, tool in known.items() if name not in listed]
        McpTool.objects.filter(pk__in=[tool.pk for tool in gone], allowed_digest="").delete()
        McpTool.objects.filter(pk__in=[tool.pk for tool in gone], gone=False).update(gone=True)
        _seen(server, announced, now)


def record_failure(pk: int, error: McpError, now: datetime) -> None:
    """Keep why a server could not be used; its tools stay what they were."""
    McpServer.objects.filter(pk=pk).update(error=clip(error.whole, LONGEST_ERROR), error_at=now)


def allow(tools: Iterable[tuple[McpTool, str]], user: User | None, now: datetime) -> list[McpTool]:
    """Allow tools as somebody has seen them, by their digest; return those that are not what they saw."""
    other = []
    for tool, digest in tools:
        seen = McpTool.objects.filter(pk=tool.pk, digest=digest, fault="", gone=False)
        shown = {
            name: getattr(tool, name) for name in ("title", "description", "input_schema", "annotations")
        }
        if not seen.update(allowed_digest=digest, allowed_as=shown, allowed_at=now, allowed_by=user):
            other.append(tool)
    return other


def forbid(tools: Iterable[McpTool]) -> None:
    """Offer these to nobody any more."""
    pks = [tool.pk for tool in tools]
    McpTool.objects.filter(pk__in=pks).update(
        allowed_digest="", allowed_as=None, allowed_at=None, allowed_by=None
    )
    McpTool.objects.filter(pk__in=pks, gone=True).delete()


def _keep(server: McpServer, known: dict[str, McpTool], found: DiscoveredTool) -> None:
    tool = known.get(found.name)
    if tool and (tool.digest, tool.gone) == (found.digest, False):
        return
    if tool is None:
        taken = {each.offered_as for each in known.values()}
        tool = McpTool(server=server, name=found.name)
        tool.offered_as = offered_as(server.slug, found.name, taken)
        known[found.name] = tool
    for name, value in found.as_shown.items():
        setattr(tool, name, value)
    tool.digest, tool.fault, tool.gone = found.digest, found.fault, False
    tool.save()


def _seen(server: McpServer, announced: str, now: datetime) -> None:
    fresh = server.seen_at and now - server.seen_at < SEEN_LATELY
    if fresh and not server.error and server.announced == announced:
        return
    server.seen_at, server.announced, server.error, server.error_at = now, announced, "", None
    server.save(update_fields=["seen_at", "announced", "error", "error_at"])
