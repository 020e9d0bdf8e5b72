"""What an agent is given to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from agents import conf, runtimes
from agents.engine.limits import Limits, SpendAllowance
from agents.engine.work_time import WorkTime
from agents.models import Profile
from agents.spending.budgets import Spender
from agents.spending.prices import OFFLINE
from agents.transcripts.history import ModelRef


@dataclass(frozen=True)
class Assignment:
    """One run or reply for the engine: who works, on what, within which limits, and where it is written."""

    profile: Profile
    prompt: str
    limits: Limits
    workspace: Path | None
    spender: Spender
    transcript_id: int
    token: UUID
    enclosed: Sequence[dict[str, Any]] = field(default=())  # files that come with the prompt, as blocks
    context: Sequence[dict[str, Any]] = field(default=())  # earlier messages of a conversation
    turns_used: int = 0
    cost_used: Decimal = Decimal(0)
    extra_system: str = ""
    once: bool = False  # somebody reads along: what was said stays said, nothing is asked for a second time
    scope: str = ""  # of standing approvals, see `agents.approvals.standing`
    may_ask: bool = False  # whether tools that need a person's leave are offered; they park the run
    fresh: bool = False  # nobody has worked on it: there is nothing to recall
    allowance: SpendAllowance | None = (
        None  # for the first request; None: the engine looks, as it does before each other
    )
    worktime: WorkTime = field(default_factory=WorkTime)  # what it works, counted on
    clock: str = ""  # goes into the last user block, so that the cached prefix stays the same


def model_of(profile: Profile) -> ModelRef:
    """Return who answers for a profile: the offline model under its own name, whichever is named."""
    provider = runtimes.get(profile.runtime).provider_name()
    if provider == OFFLINE:
        return provider, conf.OFFLINE_MODEL
    named = "" if profile.model == conf.OFFLINE_MODEL else profile.model  # picked while it answered
    return provider, named or conf.default_model()
