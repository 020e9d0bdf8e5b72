"""The tools of one run: which are offered, which ask a person first, and calling them."""

from collections.abc import Iterable
from typing import Any

from agents.approvals.gate import ApprovalGate
from agents.engine.repeat_detector import RepeatDetector
from agents.engine.work_time import WorkTime
from agents.models import Profile
from agents.protocol.events import ToolFinished
from agents.protocol.reply import Block
from agents.tools import invoke, registry
from agents.tools.base import Tool, ToolContext, ToolResult
from agents.tools.people.report import REPORT, report


class Toolbox:
    """What a profile may use. Without an approval gate, tools that have to ask a person are not offered."""

    def __init__(
        self,
        profile: Profile,
        context: ToolContext,
        approval_gate: ApprovalGate | None = None,
        foreign: Iterable[tuple[Tool, bool]] = (),  # those of MCP servers, and whether a person comes first
        worktime: WorkTime | None = None,
    ) -> None:
        self.context = context
        self.approval_gate = approval_gate
        self.repeats = RepeatDetector()
        self._worktime = worktime or WorkTime()
        ours = registry.offered(profile.tools, profile.permissions)
        offered = [*((tool, registry.asks(tool, profile.permissions)) for tool in ours), *foreign]
        self._asking = {tool.name for tool, asks in offered if asks}
        self._tools = {
            tool.name: tool for tool, _ in offered if approval_gate or tool.name not in self._asking
        }

    @property
    def params(self) -> list[dict[str, Any]]:
        return registry.params(self._tools.values())

    def __bool__(self) -> bool:
        return bool(self._tools)

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def asks(self, block: Block) -> bool:
        """Tell whether a person has to be asked before this call."""
        return block["name"] in self._tools and block["name"] in self._asking

    def recall(self, made: Iterable[tuple[str, Any, ToolFinished]]) -> None:
        """Take in the calls of an earlier attempt: what repeats, and what was reported."""
        for name, arguments, finished in made:
            self.repeats.note(name, arguments, finished.result)
            if name == REPORT.name and not finished.is_error:
                report(self.context, arguments)

    async def call(self, block: Block) -> ToolResult:
        if tool := self._tools.get(block["name"]):
            self.context.call_id = block["id"]
            with self._worktime.tool_call():
                return await invoke.call(tool, self.context, block["input"])
        known = ", ".join(self._tools) or "none"
        return ToolResult(
            f"There is no tool {block['name']!r} here. Offered: {known}.", is_error=True, duration_ms=0
        )
