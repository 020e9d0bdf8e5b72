"""Builds the engine's assignment for a claimed reply: the user's message, and the conversation before it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from agents import conf as agents_conf
from agents.approvals import standing
from agents.engine.assignment import Assignment, model_of
from agents.engine.limits import Limits
from agents.errors import LeaseLost
from agents.models import Profile
from agents.models.profile import workspace_of
from agents.protocol.media import build_user_content, count_prompt_chars
from agents.protocol.usage import estimate_tokens
from agents.states import FailureReason
from agents.transcripts import transcript
from agents.transcripts.history import ModelRef
from chat import conf
from chat.models import Message
from chat.spending import spender
from chat.states import MessageStatus, Role
from chat.transitions import Claim
from chat.transitions.accept import DEFAULT_PROFILE
from chat.worker.attachment_budget import AttachmentBudget
from stagent.lib import clock

HISTORY_SHARE = 0.7  # of the model's context window, for the conversation before the message
CUT_OFF = "[This reply was cut off here.]"
OLDER = "[Earlier messages are left out: the conversation is too long.]"

FIRST_BATCH, LARGEST_BATCH = 8, 64  # messages read in one query
COLUMNS = (
    "role", "status", "reason", "notice", "text", "files", "parent", "transcript", "run_id", "card",
    "started_at",
)  # fmt: skip

type Block = dict[str, Any]
type Logged = tuple[Message, list[Block]]  # a message with the blocks of its event log


def build(claim: Claim) -> Assignment:
    """Build the assignment of a claimed reply. Raises `LeaseLost` when the claim is no longer valid."""
    reply = replies().filter(pk=claim.message_id, token=claim.token).first()
    if reply is None:
        raise LeaseLost(f"message {claim.message_id}")
    return build_for(reply, claim)


def replies() -> QuerySet[Message]:
    """Return replies with the related rows that an assignment needs."""
    return Message.objects.replies().select_related("profile", "conversation__owner", "parent__parent")


def build_for(reply: Message, claim: Claim) -> Assignment:
    """Build the assignment of a reply read by `replies`."""
    assert reply.parent is not None
    profile = answering_profile(reply.profile, reply.model)
    budget = AttachmentBudget()
    enclosed = budget.of(reply.parent)
    return Assignment(
        profile=profile,
        prompt=reply.parent.text,
        attachments=enclosed,
        limits=Limits(max_turns=profile.max_turns or conf.MAX_TURNS, max_cost_usd=profile.max_cost_usd),
        workspace=workspace_of(None),
        spender=spender(reply),
        transcript_id=claim.transcript_id,
        token=claim.token,
        earlier_messages=history(reply.parent, model_of(profile), enclosed, budget),
        extra_system=system_context(reply.conversation.owner),
        is_first_attempt=claim.fresh,
        clock=_clock(clock.now()),
        interactive=True,
        scope=standing.conversation_scope(reply.conversation_id),
        can_request_approval=True,
    )


def history(
    asked: Message,
    model_ref: ModelRef | None = None,
    enclosed: Sequence[Block] = (),
    budget: AttachmentBudget | None = None,
) -> list[Block]:
    """Return the conversation before a user's message, oldest first, as much as the model's context holds.

    Thinking blocks are included for `author` only: their signatures are valid for that model alone.
    `enclosed` are the files of the message itself, `budget` is what remains for files of earlier messages.
    """
    budget = budget or AttachmentBudget()
    prompt = {"role": "user", "content": build_user_content(enclosed, asked.text)}
    remaining = history_tokens() - estimate_tokens(count_prompt_chars([prompt]))
    earlier: list[list[Block]] = []
    for message, logged in _accepted(_with_logs(asked, model_ref)):
        blocks = _as_messages(message, logged, budget)
        remaining -= estimate_tokens(count_prompt_chars(blocks))
        if remaining < 0:
            earlier.append([{"role": "user", "content": OLDER}])
            break
        earlier.append(blocks)
    return [block for blocks in reversed(earlier) for block in blocks]


def history_tokens() -> float:
    """Return how many tokens of the conversation a request may hold; older messages are left out."""
    return agents_conf.context_tokens() * HISTORY_SHARE


def _accepted(messages: Iterable[Logged]) -> Iterator[Logged]:
    """Leave out refused replies, as the provider asks, and withdrawn ones, each with the user's message."""
    dropped: int | None = None
    for message, logged in messages:
        if (message.reason == FailureReason.REFUSAL and message.run_id is None) or message.withdrawn:
            dropped = message.parent_id
        elif message.pk != dropped:
            yield message, logged


def _with_logs(asked: Message, model_ref: ModelRef | None) -> Iterator[Logged]:
    """Yield the messages before this one, the latest first."""
    for messages in _ancestors(asked):
        logs = [message.transcript_id for message in messages if message.transcript_id]
        logged = transcript.load_messages(logs, model_ref)
        yield from ((message, logged.get(message.transcript_id or 0, [])) for message in messages)


def _ancestors(message: Message) -> Iterator[list[Message]]:
    """Yield the messages before this one, the latest first, in batches."""
    if message.parent_id is None:
        return
    conversation = Message.objects.filter(conversation_id=message.conversation_id).order_by()
    parents = dict(conversation.values_list("pk", "parent_id"))
    chain = []
    parent: int | None = message.parent_id
    while parent is not None:
        chain.append(parent)
        parent = parents.get(parent)
    size = FIRST_BATCH
    while chain:
        ids, chain = chain[:size], chain[size:]
        found = conversation.only(*COLUMNS).in_bulk(ids)
        yield [found[pk] for pk in ids if pk in found]
        size = min(2 * size, LARGEST_BATCH)


def _as_messages(message: Message, logged: list[Block], budget: AttachmentBudget) -> list[Block]:
    if message.role == Role.USER:
        return [{"role": "user", "content": build_user_content(budget.of(message), message.text)}]
    return _as_reply(message, logged) if message.run_id is None else _as_run(message, logged)


def _as_reply(message: Message, logged: list[Block]) -> list[Block]:
    """Return a complete reply with its tool calls; of any other one its text."""
    if message.status == MessageStatus.COMPLETE and logged and logged[-1]["role"] == "assistant":
        return logged
    rest = f"{message.text}\n\n{CUT_OFF}" if message.text else CUT_OFF
    return [{"role": "assistant", "content": rest}] if message.finished else []


def _as_run(message: Message, logged: list[Block]) -> list[Block]:
    """Return a delivered run as an exchange: its prompt, its work and its result."""
    prompt = str(message.card.get("prompt") or "The schedule's own instruction.")
    name = str(message.card.get("schedule_name") or "a schedule")
    asked = {"role": "user", "content": f"<stagent-run>Scheduled run of {name}.</stagent-run>\n{prompt}"}
    if not logged or logged[-1]["role"] != "assistant":
        logged = [{"role": "assistant", "content": message.text or message.notice}]
    return [asked, *logged]


def answering_profile(picked: Profile | None, model: str) -> Profile:
    """Return the profile that replies, with the model picked for this conversation."""
    profile = picked or Profile.objects.filter(slug=DEFAULT_PROFILE).first()
    profile = profile or Profile(slug=DEFAULT_PROFILE, name="Assistant")
    if model:
        profile.model = model  # of this copy only; it is never saved
    return profile


def system_context(owner: User) -> str:
    """Return the part of the system prompt that names the user and the place."""
    return (
        f"You are talking with {owner.get_username()} on the chat page of Stagent. "
        "Answer in Markdown. When the user wants work done repeatedly, offer to create a schedule."
    )


def _clock(now: datetime) -> str:
    """Return the current time for the request; it comes last, so that the provider's cache still matches."""
    return f"It is {now.astimezone(ZoneInfo(settings.TIME_ZONE)):%A, %Y-%m-%d %H:%M} ({settings.TIME_ZONE})."
