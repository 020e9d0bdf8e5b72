"""The state of one attempt: its text and usage so far, and the second chances it has used."""

from dataclasses import asdict, dataclass, field

from agents import conf
from agents.engine.limits import Meter
from agents.engine.messages import PromptMessages
from agents.engine.toolbox import Toolbox
from agents.failure_policies import policy
from agents.protocol.events import Finished, Notice
from agents.states import FailureKind
from agents.transcripts.recorder import Emit

LOW_WATER = 0.6  # of the context window: old tool results are cleared down to it


@dataclass
class AttemptState:
    """The state of one attempt between two turns."""

    emit: Emit
    meter: Meter
    toolbox: Toolbox
    conversation: PromptMessages
    text: str = ""  # the latest text: the answer, unless a later turn gives another
    before_pause: str = ""  # the first part of an answer that the model paused in
    pauses: int = 0  # in a row
    length_factor: int = 1  # multiplies the length limit of the next reply
    limited_by_cost: bool = False  # the cost limit shortened the last reply
    interactive: bool = False  # a user reads the stream: no reply that has begun is requested again
    used_chances: set[str] = field(default_factory=set)  # second chances used since the last progress

    async def notice(self, code: str, message: str) -> None:
        """Emit what the engine did, for the reader of the transcript."""
        await self.emit(Notice(code, message))

    async def advise(self, code: str, message: str) -> None:
        """Add a note for the model, and emit it."""
        self.conversation.add_note(message)
        await self.notice(code, message)

    def use_chance(self, chance: str) -> bool:
        """Use a second chance; False if it was used since the last progress."""
        is_unused = chance not in self.used_chances
        self.used_chances.add(chance)
        return is_unused

    def progressed(self) -> None:
        """Record progress: second chances and lengths are reset."""
        self.used_chances.clear()
        self.before_pause, self.pauses, self.length_factor = "", 0, 1

    async def clear_if_full(self) -> None:
        """Clear the context if the conversation exceeds the model's window."""
        window = conf.context_tokens()
        if self.conversation.tokens > window:
            await self.clear_context(int(window * LOW_WATER))

    async def clear_context(self, target: int) -> bool:
        """Clear old tool results, then drop the oldest messages, until `target` tokens fit; False if none."""
        cleared = self.conversation.clear_old_results(target)
        if cleared:
            await self.notice("context_cleared", f"{cleared} old tool results were cleared to save space.")
        dropped = self.conversation.drop_oldest(target)
        if dropped:
            message = (
                f"The {dropped} oldest messages were left out: the conversation is too long for the model."
            )
            await self.notice("context_forgotten", message)
        return bool(cleared or dropped)

    def park(self) -> Finished:
        """End this attempt until the approval is resolved; the next one continues at the same turn."""
        return Finished("parked", detail="Waiting for an answer.", text=self.text)

    def finish(
        self,
        kind: FailureKind | None = None,
        detail: str = "",
        text: str | None = None,
        *,
        retryable: bool = False,
    ) -> Finished:
        """Return the Finished event; without `text` it has the latest text of the attempt."""
        report = self.toolbox.context.report
        text = self.text if text is None else text
        return Finished(
            outcome="failed" if kind else "completed",
            reason=policy(kind).reason if kind else None,
            failure=kind,
            detail=detail,
            text=text,
            partial=bool(kind and text),
            retryable=retryable,
            report=asdict(report) if report else None,
        )
