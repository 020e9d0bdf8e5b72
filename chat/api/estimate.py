"""/api/chat/outlook: an estimate of the input of the next message and its cost."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from agents.engine.assignment import model_of
from agents.engine.estimate import estimate_request
from agents.models import Profile
from agents.protocol.usage import CHARS_PER_TOKEN
from agents.spending.prices import MILLION
from chat.api import lookups
from chat.models import Conversation, Message
from chat.models.conversation import LONGEST_MODEL
from chat.transitions.accept import profile_of
from chat.worker import build_assignment
from stagent.lib.api.listing import reject_unknown_parameters
from stagent.lib.api.responses import responses
from stagent.lib.api.types import IdInput, RequestBody, Row, Text

router = Router(tags=["chat"])
EXAMPLE: Any = {
    "tokens": 8200, "room": 126000, "left_out": False, "model": "claude-sonnet-5-5",
    "usd_per_token": 0.000002, "chars_per_token": 3.5,
}  # fmt: skip


class EstimateQuery(RequestBody):
    """The conversation, profile and model of the next message."""

    conversation_id: IdInput | None = Field(default=None, description="null: a new conversation.")
    profile: Text | None = Field(default=None, description="A slug; null: the conversation's profile.")
    model: Text | None = Field(
        default=None,
        max_length=LONGEST_MODEL,
        description="null: the conversation's model; empty: the profile's.",
    )


class EstimateRow(Row):
    """An estimate without the new message; its characters count by `chars_per_token`."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    tokens: int = Field(description="Input before the message: instructions, tools and the conversation.")
    room: int = Field(description="Tokens available for the conversation; older messages are left out.")
    left_out: bool = Field(description="The oldest messages are left out already.")
    model: str
    usd_per_token: float | None = Field(
        description="0 for the offline model and for your own servers; null: unknown price."
    )
    chars_per_token: float


@router.get("/chat/outlook", response=responses(EstimateRow, 404, 422))
def get_chat_estimate(request: HttpRequest, asked: Query[EstimateQuery]) -> EstimateRow:
    """Estimate the input tokens of the next message and their price. The reply costs extra."""
    reject_unknown_parameters(request, EstimateQuery.model_fields)
    owner = lookups.current_user(request)
    inside = lookups.conversation(owner, asked.conversation_id) if asked.conversation_id else None
    picked = profile_of(asked.profile) or (inside.profile if inside else None)
    model = asked.model if asked.model is not None or inside is None else inside.model
    profile = build_assignment.answering_profile(picked, model or "")
    context = _history(inside, profile) if inside else []
    guess = estimate_request(profile, context, build_assignment.system_context(owner))
    return EstimateRow(
        tokens=guess.tokens,
        room=round(build_assignment.history_tokens()),
        left_out=bool(context) and context[0]["content"] == build_assignment.OLDER,
        model=guess.model,
        usd_per_token=float(guess.price.rates(guess.tokens).input / MILLION) if guess.price.known else None,
        chars_per_token=CHARS_PER_TOKEN,
    )


def _history(inside: Conversation, profile: Profile) -> list[dict[str, Any]]:
    """Return the history that a message at the end of the shown branch would have."""
    asked = Message(conversation=inside, parent_id=inside.head_id)
    return build_assignment.history(asked, model_of(profile))
