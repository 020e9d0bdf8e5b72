"""The tools of a server for its page: annotations, changes, and the profiles that use them."""

import difflib
import json
from dataclasses import dataclass
from typing import Any

from agents.mcp import names
from agents.mcp.tool_adapter import permission
from agents.models import McpServer, McpTool, Profile
from agents.states import McpToolState

TONES = {
    McpToolState.OFFERED: "good",
    McpToolState.NEW: "calm",
    McpToolState.CHANGED: "wait",
    McpToolState.UNFIT: "bad",
    McpToolState.GONE: "calm",
}
ORDER = list(TONES)
HINTS = {
    "readOnlyHint": ("read-only", "can change data"),
    "destructiveHint": ("can delete or overwrite data", "deletes nothing"),
    "idempotentHint": ("safe to repeat", "not safe to repeat"),
    "openWorldHint": ("accesses external systems", "no external systems"),
}


@dataclass(frozen=True)
class ToolRow:
    tool: McpTool
    profiles: list[tuple[Profile, str]]

    @property
    def tone(self) -> str:
        return TONES[self.tool.state]

    @property
    def can_be_offered(self) -> bool:
        return self.tool.state not in (McpToolState.UNFIT, McpToolState.GONE)

    @property
    def is_offered(self) -> bool:
        return self.tool.state == McpToolState.OFFERED

    @property
    def schema(self) -> str:
        return _to_json(self.tool.input_schema)

    @property
    def claims(self) -> list[str]:
        """The annotations of the tool as the server states them."""
        annotations = self.tool.annotations
        known = [name for name in HINTS if isinstance(annotations.get(name), bool)]
        return [HINTS[name][0 if annotations[name] else 1] for name in known]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The lines that differ from the allowed version, each with its sign, + or -."""
        if self.tool.state != McpToolState.CHANGED:
            return []
        before = _lines(self.tool.allowed_as or {})
        lines = difflib.unified_diff(before, _lines(_snapshot(self.tool)), n=0, lineterm="")
        return [(line[0], line[1:]) for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def rows(server: McpServer) -> list[ToolRow]:
    """Return the tools of a server; those to review come first."""
    tools = list(server.tools.select_related("allowed_by"))
    for tool in tools:
        tool.server = server
    with_mcp_tools = [each for each in Profile.objects.all() if any(map(names.is_mcp_name, each.tools))]
    tool_rows = [ToolRow(tool, _profiles(tool, with_mcp_tools)) for tool in tools]
    return sorted(tool_rows, key=lambda row: (not row.changes, ORDER.index(row.tool.state), row.tool.name))


def _profiles(tool: McpTool, profiles: list[Profile]) -> list[tuple[Profile, str]]:
    using = [each for each in profiles if any(names.matches(name, tool.offered_as) for name in each.tools)]
    return [(each, permission(tool, each.permissions)) for each in using]


def _snapshot(tool: McpTool) -> dict[str, Any]:
    return {name: getattr(tool, name) for name in ("title", "description", "input_schema", "annotations")}


def _lines(snapshot: dict[str, Any]) -> list[str]:
    texts = (str(snapshot.get("title", "")), str(snapshot.get("description", "")))
    data = (_to_json(snapshot.get("input_schema")), _to_json(snapshot.get("annotations")))
    return [line for text in (*texts, *data) for line in text.splitlines()]


def _to_json(data: Any) -> str:
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False)
