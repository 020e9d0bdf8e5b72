"""From a claimed reply to what the engine is asked to do: the person's words, and what was said before."""

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
from agents.protocol.media import blocks_with_text, weight
from agents.protocol.usage import estimate
from agents.states import FailureReason
from agents.transcripts import transcript
from agents.transcripts.history import Author
from chat import conf
from chat.models import Message
from chat.spending import spender
from chat.states import MessageStatus, Role
from chat.transitions import Claim
from chat.transitions.accept import DEFAULT_PROFILE
from chat.worker.attachment_budget import AttachmentBudget
from stagent.lib import clock

ROOM = 0.7  # of the model's window, for what was said before
CUT_OFF = "[This answer was broken off here.]"
OLDER = "[What was said before this is left out: it is too long.]"

FEW, MANY = 8, 64  # messages that are looked up together, first and at most
TELLING = (
    "role", "status", "reason", "notice", "text", "files", "parent", "transcript", "run_id", "card",
    "started_at",
)  # fmt: skip

type Block = dict[str, Any]
type Remembered = tuple[Message, list[Block]]  # with the messages of its log


def build(claim: Claim) -> Assignment:
    """Say what is asked of the engine; `LeaseLost` when the reply is not ours."""
    reply = replies().filter(pk=claim.message_id, token=claim.token).first()
    if reply is None:
        raise LeaseLost(f"message {claim.message_id}")
    return assign(reply, claim)


def replies() -> QuerySet[Message]:
    """Return replies with what has to be known of them to be worked on."""
    return Message.objects.replies().select_related("profile", "conversation__owner", "parent__parent")


def assign(reply: Message, claim: Claim) -> Assignment:
    """Say the same of a reply that is at hand: what is asked of it does not change."""
    assert reply.parent is not None
    profile = answerer(reply.profile, reply.model)
    packed = AttachmentBudget()
    enclosed = packed.of(reply.parent)
    return Assignment(
        profile=profile,
        prompt=reply.parent.text,
        enclosed=enclosed,
        limits=Limits(max_turns=profile.max_turns or conf.MAX_TURNS, max_cost_usd=profile.max_cost_usd),
        workspace=workspace_of(None),
        spender=spender(reply),
        transcript_id=claim.transcript_id,
        token=claim.token,
        context=before(reply.parent, model_of(profile), enclosed, packed),
        extra_system=system_context(reply.conversation.owner),
        fresh=claim.fresh,
        clock=_clock(clock.now()),
        once=True,
        scope=standing.conversation_scope(reply.conversation_id),
        may_ask=True,
    )


def before(
    asked: Message,
    author: Author | None = None,
    enclosed: Sequence[Block] = (),
    packed: AttachmentBudget | None = None,
) -> list[Block]:
    """Return what was said before a person's message, oldest first, as far as the model can read it.

    Thoughts are given back to this author alone: to nobody else do their signatures mean anything. `enclosed`
    is what comes with the message itself, `packed` what is left for files after it.
    """
    packed = packed or AttachmentBudget()
    prompt = {"role": "user", "content": blocks_with_text(enclosed, asked.text)}
    left = room() - estimate(weight([prompt]))
    said: list[list[Block]] = []
    for message, told in _accepted(_remembered(asked, author)):
        blocks = _as_messages(message, told, packed)
        left -= estimate(weight(blocks))
        if left < 0:
            said.append([{"role": "user", "content": OLDER}])
            break
        said.append(blocks)
    return [block for blocks in reversed(said) for block in blocks]


def room() -> float:
    """Return how many tokens of what was said before are told; what is older is left out."""
    return agents_conf.context_tokens() * ROOM


def _accepted(remembered: Iterable[Remembered]) -> Iterator[Remembered]:
    """Leave out what a model refused, as the provider asks, and what was withdrawn, with its words."""
    dropped: int | None = None
    for message, told in remembered:
        if (message.reason == FailureReason.REFUSAL and message.run_id is None) or message.withdrawn:
            dropped = message.parent_id
        elif message.pk != dropped:
            yield message, told


def _remembered(asked: Message, author: Author | None) -> Iterator[Remembered]:
    """Yield what was said before with what its log tells of it, the latest first."""
    for messages in _ancestors(asked):
        logs = [message.transcript_id for message in messages if message.transcript_id]
        told = transcript.histories(logs, author)
        yield from ((message, told.get(message.transcript_id or 0, [])) for message in messages)


def _ancestors(message: Message) -> Iterator[list[Message]]:
    """Yield what was said before, the latest first; a few at a time, for who reads no further than needed."""
    if message.parent_id is None:
        return
    conversation = Message.objects.filter(conversation_id=message.conversation_id).order_by()
    parents = dict(conversation.values_list("pk", "parent_id"))
    chain = []
    parent: int | None = message.parent_id
    while parent is not None:
        chain.append(parent)
        parent = parents.get(parent)
    many = FEW
    while chain:
        ids, chain = chain[:many], chain[many:]
        found = conversation.only(*TELLING).in_bulk(ids)
        yield [found[pk] for pk in ids if pk in found]
        many = min(2 * many, MANY)


def _as_messages(message: Message, told: list[Block], packed: AttachmentBudget) -> list[Block]:
    if message.role == Role.USER:
        return [{"role": "user", "content": blocks_with_text(packed.of(message), message.text)}]
    return _as_reply(message, told) if message.run_id is None else _as_run(message, told)


def _as_reply(message: Message, told: list[Block]) -> list[Block]:
    """Return an answer with the calls it made; of a broken one also the words after its last whole turn."""
    if message.status == MessageStatus.COMPLETE and told and told[-1]["role"] == "assistant":
        return told
    rest = f"{message.text}\n\n{CUT_OFF}" if message.text else CUT_OFF
    return [{"role": "assistant", "content": rest}] if message.finished else []


def _as_run(message: Message, told: list[Block]) -> list[Block]:
    """Return a scheduled run as if it had been asked for here: its prompt, its work and its result."""
    prompt = str(message.card.get("prompt") or "The schedule's own instruction.")
    name = str(message.card.get("schedule_name") or "a schedule")
    asked = {"role": "user", "content": f"<stagent-run>Scheduled run of {name}.</stagent-run>\n{prompt}"}
    if not told or told[-1]["role"] != "assistant":
        told = [{"role": "assistant", "content": message.text or message.notice}]
    return [asked, *told]


def answerer(picked: Profile | None, model: str) -> Profile:
    """Return who answers, with the model that was picked for this conversation."""
    profile = picked or Profile.objects.filter(slug=DEFAULT_PROFILE).first()
    profile = profile or Profile(slug=DEFAULT_PROFILE, name="Assistant")
    if model:
        profile.model = model  # of this copy only; it is never saved
    return profile


def system_context(owner: User) -> str:
    """Say with whom an agent talks, and where."""
    return (
        f"You are talking with {owner.get_username()} on the chat page of Stagent. "
        "Answer in Markdown. Work that comes again and again belongs into a schedule: offer to create one."
    )


def _clock(now: datetime) -> str:
    """Say what time it is; it goes last into a request, for the caches."""
    return f"It is {now.astimezone(ZoneInfo(settings.TIME_ZONE)):%A, %Y-%m-%d %H:%M} ({settings.TIME_ZONE})."
