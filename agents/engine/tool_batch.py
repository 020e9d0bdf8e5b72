"""Executes the tool calls of one reply, and emits an event before and after each.

Calls that need no approval are made first. Approval is then requested for the others together; once all are
resolved, the next attempt makes the approved calls.
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
    """The results of a batch, and its most repeated call."""

    results: list[tuple[str, ToolResult]] = field(default_factory=list)
    repeats: int = 0
    repeated: str = ""
    is_waiting: bool = False  # for approval; there are no results yet


@dataclass
class ToolBatch:
    """The tool calls of one reply."""

    toolbox: Toolbox
    turn: int
    emit: Emit
    progress: ToolProgress = field(default_factory=ToolProgress)  # how far an earlier attempt came
    resumed: bool = False
    results: dict[str, ToolResult] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    outcome: ToolOutcome = field(default_factory=ToolOutcome)

    async def run(self, requested: Sequence[Block]) -> ToolOutcome:
        """Make the calls that need no approval, request approval for the others, apply what is resolved."""
        if self.toolbox.approval_gate and (self.resumed or any(map(self.toolbox.needs_approval, requested))):
            self.approvals = await self.toolbox.approval_gate.load()
        waiting = [block for block in requested if not await self._is_done(block)]
        await self._request_approvals(waiting)
        for block in waiting:
            if self._is_allowed(block):
                await self._apply_answer(block, self.approvals[block["id"]])
        approvals = [self.approvals[block["id"]] for block in waiting if block["id"] not in self.results]
        if any(approval.is_open for approval in approvals):
            return ToolOutcome(is_waiting=True)
        for block in waiting:
            if block["id"] not in self.results:
                await self._apply_answer(block, self.approvals[block["id"]])
        self.outcome.results = [(block["id"], self.results[block["id"]]) for block in requested]
        return self.outcome

    async def _is_done(self, block: Block) -> bool:
        """Make a call, or reuse its result; False if it needs approval first."""
        call_id = block["id"]
        if earlier := self.progress.results.get(call_id):
            self.results[call_id] = ToolResult(earlier.result, earlier.is_error, earlier.duration_ms)
        elif self.toolbox.needs_approval(block) or (self.resumed and call_id in self.approvals):
            return False
        elif self.resumed:  # it may have taken effect; the model decides whether to repeat it
            self.results[call_id] = ToolResult(INTERRUPTED, is_error=True, duration_ms=0)
        else:
            await self._call(block)
        return True

    async def _request_approvals(self, waiting: Sequence[Block]) -> None:
        """Request approval for the calls without a request, and emit the new requests."""
        # Of two calls with one id, approval of the first does not cover the second.
        requested: dict[str, ApprovalRequest] = {}
        for block in waiting:
            try:
                if request := await self._request_for(block):
                    requested.setdefault(block["id"], request)
            except ToolError as error:
                await self._store_without_calling(block, ToolResult(str(error), is_error=True, duration_ms=0))
        new = [request for call_id, request in requested.items() if call_id not in self.results]
        if new and self.toolbox.approval_gate:
            self.approvals |= await self.toolbox.approval_gate.submit(new, self.turn)
        for call_id in dict.fromkeys(block["id"] for block in waiting):
            emitted = call_id in self.results or call_id in self.progress.requested
            if not emitted and not self.approvals[call_id].by_standing_approval:
                await self.emit(gate.requested_event(self.approvals[call_id]))

    def _is_allowed(self, block: Block) -> bool:
        """Return whether a standing approval allows a call that is still to be made."""
        return block["id"] not in self.results and self.approvals[block["id"]].by_standing_approval

    async def _request_for(self, block: Block) -> ApprovalRequest | None:
        """Return the request for a call; None if there is one.

        Raises `ToolError` if approval is impossible.
        """
        if earlier := self.approvals.get(block["id"]):
            if not gate.matches(earlier, block, self.turn):
                raise ToolError(gate.NOT_APPROVED)
            return None
        tool = self.toolbox.get(block["name"])
        return await gate.build_request(tool, self.toolbox.context, block) if tool else None

    async def _apply_answer(self, block: Block, approval: Approval) -> None:
        """Apply the answer. A call that was started before is repeated only if the tool is idempotent."""
        if block["id"] not in self.progress.resolved:
            await self._emit_answer(approval)
        if result := gate.result_without_calling(approval):
            await self._store_without_calling(block, result)
            return
        tool = self.toolbox.get(block["name"])
        if block["id"] in self.progress.started and not (tool and tool.idempotent):
            await self._store_without_calling(block, ToolResult(INTERRUPTED, is_error=True, duration_ms=0))
            return
        await self._call(block)

    async def _emit_answer(self, approval: Approval) -> None:
        if not approval.by_standing_approval:
            await self.emit(gate.resolved_event(approval))
        elif approval.call_id not in self.progress.started:
            await self.emit(gate.standing_approval_event(approval))

    async def _call(self, block: Block) -> None:
        await self._emit_started(block)
        await self._store_result(block, await self.toolbox.call(block))

    async def _store_without_calling(self, block: Block, result: ToolResult) -> None:
        """Store a result without making the call."""
        await self._emit_started(block)
        await self._store_result(block, result)

    async def _emit_started(self, block: Block) -> None:
        if block["id"] in self.progress.started:
            return
        approval = self.approvals.get(block["id"])
        reason = (
            gate.describe_standing_approval(approval) if approval and approval.by_standing_approval else ""
        )
        await self.emit(ToolStarted(self.turn, block["id"], block["name"], as_object(block["input"]), reason))

    async def _store_result(self, block: Block, result: ToolResult) -> None:
        call_id, name = block["id"], block["name"]
        await self.emit(ToolFinished(call_id, name, result.is_error, result.text, result.duration_ms))
        self.results[call_id] = result
        count = self.toolbox.repeats.record(name, block["input"], result.text)
        self.outcome.repeats, self.outcome.repeated = max(
            (self.outcome.repeats, self.outcome.repeated), (count, name)
        )
