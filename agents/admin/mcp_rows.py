"""A server's tools as its page shows them: what they say, what has changed, who may use them."""

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
    "readOnlyHint": ("only reads", "may change things"),
    "destructiveHint": ("may destroy things", "destroys nothing"),
    "idempotentHint": ("harmless to repeat", "not to be repeated"),
    "openWorldHint": ("reaches beyond itself", "stays within itself"),
}


@dataclass(frozen=True)
class ToolRow:
    """One tool."""

    tool: McpTool
    profiles: list[tuple[Profile, str]]

    @property
    def tone(self) -> str:
        return TONES[self.tool.state]

    @property
    def may_be_offered(self) -> bool:
        return self.tool.state not in (McpToolState.UNFIT, McpToolState.GONE)

    @property
    def is_offered(self) -> bool:
        return self.tool.state == McpToolState.OFFERED

    @property
    def schema(self) -> str:
        return _written(self.tool.input_schema)

    @property
    def claims(self) -> list[str]:
        """What the server says of the tool's manners, in words."""
        said = self.tool.annotations
        known = [name for name in HINTS if isinstance(said.get(name), bool)]
        return [HINTS[name][0 if said[name] else 1] for name in known]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The lines that differ from what was allowed, each with a sign: + or -."""
        if self.tool.state != McpToolState.CHANGED:
            return []
        before = _lines(self.tool.allowed_as or {})
        lines = difflib.unified_diff(before, _lines(_shown(self.tool)), n=0, lineterm="")
        return [(line[0], line[1:]) for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def rows(server: McpServer) -> list[ToolRow]:
    """Return a server's tools, those that want looking at first."""
    tools = list(server.tools.select_related("allowed_by"))
    for tool in tools:
        tool.server = server
    naming_it = [each for each in Profile.objects.all() if any(map(names.is_mcp_name, each.tools))]
    found = [ToolRow(tool, _profiles(tool, naming_it)) for tool in tools]
    return sorted(found, key=lambda row: (not row.changes, ORDER.index(row.tool.state), row.tool.name))


def _profiles(tool: McpTool, profiles: list[Profile]) -> list[tuple[Profile, str]]:
    mine = [each for each in profiles if any(names.matches(name, tool.offered_as) for name in each.tools)]
    return [(each, permission(tool, each.permissions)) for each in mine]


def _shown(tool: McpTool) -> dict[str, Any]:
    return {name: getattr(tool, name) for name in ("title", "description", "input_schema", "annotations")}


def _lines(shown: dict[str, Any]) -> list[str]:
    texts = (str(shown.get("title", "")), str(shown.get("description", "")))
    data = (_written(shown.get("input_schema")), _written(shown.get("annotations")))
    return [line for text in (*texts, *data) for line in text.splitlines()]


def _written(data: Any) -> str:
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False)
