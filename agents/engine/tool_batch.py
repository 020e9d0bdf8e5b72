"""One round of calls: those of a reply, on their way to their results, each told before and after.

What may be called is called at once. Then a person is asked about the rest, all of it together; once
everything is answered the next attempt makes the calls that were allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.approvals import gate
from agents.approvals.approvals import ApprovalRequest
from agents.engine.toolbox import Toolbox
from agents.models import Approval
from agents.protocol.events import ToolFinished, ToolStarted
from agents.protocol.reply import INTERRUPTED, Block, as_object
from agents.tools.base import ToolError, ToolResult
from agents.transcripts.history import ToolProgress
from agents.transcripts.recorder import Emit


@dataclass
class ToolOutcome:
    """The results of one reply's calls, and how often the most repeated of them came in a row."""

    results: list[tuple[str, ToolResult]] = field(default_factory=list)
    repeats: int = 0
    repeated: str = ""
    waits: bool = False  # a person has to answer first; there are no results yet


@dataclass
class ToolBatch:
    """The calls of one reply on their way to their results."""

    box: Toolbox
    turn: int
    tell: Emit
    reached: ToolProgress = field(default_factory=ToolProgress)  # how far an earlier attempt came
    resumed: bool = False
    results: dict[str, ToolResult] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    used: ToolOutcome = field(default_factory=ToolOutcome)

    async def run(self, wanted: Sequence[Block]) -> ToolOutcome:
        """Call what may be called, then ask; or, where everything is answered, do what the answers say."""
        if self.box.approval_gate and (self.resumed or any(map(self.box.asks, wanted))):
            self.approvals = await self.box.approval_gate.load()
        waiting = [block for block in wanted if not await self._is_done(block)]
        await self._ask(waiting)
        for block in waiting:
            if self._has_standing_approval(block):
                await self._follow(block, self.approvals[block["id"]])
        mine = [self.approvals[block["id"]] for block in waiting if block["id"] not in self.results]
        if any(approval.is_open for approval in mine):
            return ToolOutcome(waits=True)
        for block in waiting:
            if block["id"] not in self.results:
                await self._follow(block, self.approvals[block["id"]])
        self.used.results = [(block["id"], self.results[block["id"]]) for block in wanted]
        return self.used

    async def _is_done(self, block: Block) -> bool:
        """Make a call, or take the result it has; False where a person comes first."""
        call_id = block["id"]
        if done := self.reached.results.get(call_id):
            self.results[call_id] = ToolResult(done.result, done.is_error, done.duration_ms)
        elif self.box.asks(block) or (self.resumed and call_id in self.approvals):
            return False
        elif self.resumed:  # it may have been made; the model decides whether to make it again
            self.results[call_id] = ToolResult(INTERRUPTED, is_error=True, duration_ms=0)
        else:
            await self._make(block)
        return True

    async def _ask(self, waiting: Sequence[Block]) -> None:
        """Ask a person about the calls that nobody was asked about, and tell of it."""
        wanted: dict[
            str, ApprovalRequest
        ] = {}  # where two calls have one id, leave for the first is none for the second
        for block in waiting:
            try:
                if want := await self._wanted(block):
                    wanted.setdefault(block["id"], want)
            except ToolError as error:
                await self._answer(block, ToolResult(str(error), is_error=True, duration_ms=0))
        new = [want for call_id, want in wanted.items() if call_id not in self.results]
        if new and self.box.approval_gate:
            self.approvals |= await self.box.approval_gate.submit(new, self.turn)
        for call_id in dict.fromkeys(block["id"] for block in waiting):
            told = call_id in self.results or call_id in self.reached.asked
            if not told and not self.approvals[call_id].by_standing_approval:
                await self.tell(gate.requested_event(self.approvals[call_id]))

    def _has_standing_approval(self, block: Block) -> bool:
        """Tell whether a call is yet to be made that nobody has to be asked about."""
        return block["id"] not in self.results and self.approvals[block["id"]].by_standing_approval

    async def _wanted(self, block: Block) -> ApprovalRequest | None:
        """Return what is to be asked; None where it was asked before, ToolError where nobody is asked."""
        if earlier := self.approvals.get(block["id"]):
            if not gate.matches(earlier, block, self.turn):
                raise ToolError(gate.NOT_APPROVED)
            return None
        tool = self.box.get(block["name"])
        return await gate.build_request(tool, self.box.context, block) if tool else None

    async def _follow(self, block: Block, approval: Approval) -> None:
        """Do what the person said; a call that was begun is made again only where that does no harm."""
        if block["id"] not in self.reached.settled:
            await self._tell_answer(approval)
        if result := gate.result_without_calling(approval):
            await self._answer(block, result)
            return
        tool = self.box.get(block["name"])
        if block["id"] in self.reached.begun and not (tool and tool.idempotent):
            await self._answer(block, ToolResult(INTERRUPTED, is_error=True, duration_ms=0))
            return
        await self._make(block)

    async def _tell_answer(self, approval: Approval) -> None:
        if not approval.by_standing_approval:
            await self.tell(gate.resolved_event(approval))
        elif approval.call_id not in self.reached.begun:
            await self.tell(gate.standing_approval_event(approval))

    async def _make(self, block: Block) -> None:
        await self._begin(block)
        await self._keep(block, await self.box.call(block))

    async def _answer(self, block: Block, result: ToolResult) -> None:
        """Give a call its result without making it."""
        await self._begin(block)
        await self._keep(block, result)

    async def _begin(self, block: Block) -> None:
        if block["id"] in self.reached.begun:
            return
        approval = self.approvals.get(block["id"])
        leave = (
            gate.describe_standing_approval(approval) if approval and approval.by_standing_approval else ""
        )
        await self.tell(ToolStarted(self.turn, block["id"], block["name"], as_object(block["input"]), leave))

    async def _keep(self, block: Block, result: ToolResult) -> None:
        call_id, name = block["id"], block["name"]
        await self.tell(ToolFinished(call_id, name, result.is_error, result.text, result.duration_ms))
        self.results[call_id] = result
        count = self.box.repeats.note(name, block["input"], result.text)
        self.used.repeats, self.used.repeated = max((self.used.repeats, self.used.repeated), (count, name))
