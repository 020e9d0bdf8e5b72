"""Where a run stands: what was said and used so far, and what has been tried."""

from dataclasses import asdict, dataclass, field

from agents import conf
from agents.engine.limits import Meter
from agents.engine.messages import PromptMessages
from agents.engine.toolbox import Toolbox
from agents.failures import policy
from agents.protocol.events import Finished, Notice
from agents.states import FailureKind
from agents.transcripts.recorder import Emit

LOW_WATER = 0.6  # of the room for a conversation, down to which old tool results are cleared away


@dataclass
class AttemptState:
    """The state of one attempt between two turns."""

    tell: Emit
    meter: Meter
    toolbox: Toolbox
    conversation: PromptMessages
    text: str = ""  # the last words said: the answer, if nothing better comes
    before_pause: str = ""  # the beginning of an answer that the model gives in parts
    pauses: int = 0  # in a row
    stretch: int = 1  # how many times its usual length the next reply may have
    short_of_money: bool = False  # whether the last reply had to be shorter than that
    once: bool = False  # whether somebody reads along, so that no reply is asked for again
    tried: set[str] = field(default_factory=set)  # the second chances given since the last progress

    async def notice(self, code: str, says: str) -> None:
        """Tell the reader of the transcript what the engine did."""
        await self.tell(Notice(code, says))

    async def advise(self, code: str, says: str) -> None:
        """Tell the model something, and the reader that it was told."""
        self.conversation.note(says)
        await self.notice(code, says)

    def first_time(self, chance: str) -> bool:
        """Take a second chance, which there is once until there is progress."""
        fresh = chance not in self.tried
        self.tried.add(chance)
        return fresh

    def progressed(self) -> None:
        """Note that the run got further: second chances and lengths are as at the start."""
        self.tried.clear()
        self.before_pause, self.pauses, self.stretch = "", 0, 1

    async def keep_room(self) -> None:
        """Clear old things away when the conversation grows near the model's window."""
        window = conf.context_tokens()
        if self.conversation.tokens > window:
            await self.make_room(int(window * LOW_WATER))

    async def make_room(self, target: int) -> bool:
        """Clear old results away, then leave old messages out, until it fits; False: there were none."""
        cleared = self.conversation.clear_old_results(target)
        if cleared:
            await self.notice(
                "context_cleared", f"{cleared} old tool results were cleared away to save room."
            )
        forgotten = self.conversation.forget_oldest(target)
        if forgotten:
            says = (
                f"The {forgotten} oldest messages were left out: the conversation is too long for the model."
            )
            await self.notice("context_forgotten", says)
        return bool(cleared or forgotten)

    def park(self) -> Finished:
        """End this attempt until a person has answered; the next one goes on at the same turn."""
        return Finished("parked", detail="It waits for a person's answer.", text=self.text)

    def finish(
        self,
        kind: FailureKind | None = None,
        detail: str = "",
        text: str | None = None,
        *,
        retryable: bool = False,
    ) -> Finished:
        """End, with what went wrong where it failed, with the last words said unless others are given."""
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
