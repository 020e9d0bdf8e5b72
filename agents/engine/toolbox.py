"""The tools of one run: which are offered, which need approval, and calling them."""

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
    """The tools that a profile may use. Without an approval gate, tools that need approval are not
    offered.
    """

    def __init__(
        self,
        profile: Profile,
        context: ToolContext,
        approval_gate: ApprovalGate | None = None,
        mcp_tools: Iterable[tuple[Tool, bool]] = (),  # each with whether it needs approval
        work_time: WorkTime | None = None,
    ) -> None:
        self.context = context
        self.approval_gate = approval_gate
        self.repeats = RepeatDetector()
        self._work_time = work_time or WorkTime()
        own_tools = registry.offered(profile.tools, profile.permissions)
        offered = [*((tool, registry.asks(tool, profile.permissions)) for tool in own_tools), *mcp_tools]
        self._approval_names = {tool.name for tool, needs_approval in offered if needs_approval}
        self._tools = {
            tool.name: tool for tool, _ in offered if approval_gate or tool.name not in self._approval_names
        }

    @property
    def params(self) -> list[dict[str, Any]]:
        return registry.params(self._tools.values())

    def __bool__(self) -> bool:
        return bool(self._tools)

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def needs_approval(self, block: Block) -> bool:
        """Return whether this call needs approval."""
        return block["name"] in self._tools and block["name"] in self._approval_names

    def restore(self, calls: Iterable[tuple[str, Any, ToolFinished]]) -> None:
        """Take over the calls of an earlier attempt: repeats and the report."""
        for name, arguments, finished in calls:
            self.repeats.record(name, arguments, finished.result)
            if name == REPORT.name and not finished.is_error:
                report(self.context, arguments)

    async def call(self, block: Block) -> ToolResult:
        if tool := self._tools.get(block["name"]):
            self.context.call_id = block["id"]
            with self._work_time.tool_call():
                return await invoke.call(tool, self.context, block["input"])
        offered_names = ", ".join(self._tools) or "none"
        return ToolResult(
            f"There is no tool {block['name']!r}. Available: {offered_names}.", is_error=True, duration_ms=0
        )
