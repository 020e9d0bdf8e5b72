"""The input of the engine."""

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
    """One run or reply for the engine: profile, prompt, limits, payer and transcript."""

    profile: Profile
    prompt: str
    limits: Limits
    workspace: Path | None
    spender: Spender
    transcript_id: int
    token: UUID
    attachments: Sequence[dict[str, Any]] = field(default=())  # content blocks of the prompt's files
    earlier_messages: Sequence[dict[str, Any]] = field(default=())  # of the conversation, oldest first
    turns_used: int = 0
    cost_used: Decimal = Decimal(0)
    extra_system: str = ""
    interactive: bool = False  # a user reads the stream: no reply that has begun is requested a second time
    scope: str = ""  # of standing approvals, see `agents.approvals.standing`
    can_request_approval: bool = False  # offer tools that need approval; waiting for it parks the run
    is_first_attempt: bool = False  # there is no history to load
    allowance: SpendAllowance | None = (
        None  # of the first request; None: the engine reads it, as before every later request
    )
    work_time: WorkTime = field(default_factory=WorkTime)  # continues the count of earlier attempts
    clock: str = ""  # added to the last user block, so that the cached prefix stays the same


def model_of(profile: Profile) -> ModelRef:
    """Return the provider and model of a profile; the offline model has a name of its own."""
    provider = runtimes.get(profile.runtime).provider_name()
    if provider == OFFLINE:
        return provider, conf.OFFLINE_MODEL
    model = (
        "" if profile.model == conf.OFFLINE_MODEL else profile.model
    )  # chosen while the offline model was in use
    return provider, model or conf.default_model()
