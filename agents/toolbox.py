"""The tools of one run: which are offered, and calling them in order, each call told before and after."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agents.events import ToolFinished, ToolStarted
from agents.models import Profile
from agents.recording import Tell
from agents.repeats import Repeats
from agents.replies import Block
from agents.tools import calls, registry
from agents.tools.base import ToolContext, ToolResult
from agents.tools.report import REPORT, report


@dataclass(frozen=True)
class Used:
    """The results of one reply's calls, and how often the most repeated of them came in a row."""

    results: list[tuple[str, ToolResult]]
    repeats: int
    repeated: str = ""


class Toolbox:
    """What a profile may use. A tool that would have to ask a person is not offered: nobody is there."""

    def __init__(self, profile: Profile, context: ToolContext) -> None:
        self.context = context
        self._tools = {
            tool.name: tool
            for tool in registry.offered(profile.tools, profile.permissions)
            if registry.permission(tool, profile.permissions) == "allow"
        }
        self._repeats = Repeats()

    @property
    def params(self) -> list[dict[str, Any]]:
        return registry.params(self._tools.values())

    def __bool__(self) -> bool:
        return bool(self._tools)

    def recall(self, made: Iterable[tuple[str, Any, ToolFinished]]) -> None:
        """Take in the calls of an earlier attempt: what repeats, and what was reported."""
        for name, arguments, finished in made:
            self._repeats.note(name, arguments, finished.result)
            if name == REPORT.name and not finished.is_error:
                report(self.context, arguments)

    async def use(self, wanted: Iterable[Block], turn: int, tell: Tell) -> Used:
        """Make the calls of a reply, one after the other."""
        results, most, repeated = [], 0, ""
        for block in wanted:
            await tell(ToolStarted(turn, block["id"], block["name"], block["input"]))
            result = await self._call(block)
            await tell(
                ToolFinished(block["id"], block["name"], result.is_error, result.text, result.duration_ms)
            )
            results.append((block["id"], result))
            count = self._repeats.note(block["name"], block["input"], result.text)
            most, repeated = max((most, repeated), (count, block["name"]))
        return Used(results, most, repeated)

    async def _call(self, block: Block) -> ToolResult:
        if tool := self._tools.get(block["name"]):
            return await calls.call(tool, self.context, block["input"])
        known = ", ".join(self._tools) or "none"
        return ToolResult(
            f"There is no tool {block['name']!r} here. Offered: {known}.", is_error=True, duration_ms=0
        )
