"""/api/chat/outlook: what asking would read and cost, said before one asks."""

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
from stagent.lib.api.listing import refuse_unknown
from stagent.lib.api.responses import responses
from stagent.lib.api.types import AnyId, RequestBody, Row, Text

router = Router(tags=["chat"])
EXAMPLE: Any = {
    "tokens": 8200, "room": 126000, "left_out": False, "model": "claude-sonnet-5-5",
    "usd_per_token": 0.000002, "chars_per_token": 3.5,
}  # fmt: skip


class EstimateQuery(RequestBody):
    """Where one would ask, and whom."""

    conversation_id: AnyId | None = Field(default=None, description="null: where a conversation begins.")
    profile: Text | None = Field(default=None, description="A slug; null is the one picked there.")
    model: Text | None = Field(
        default=None,
        max_length=LONGEST_MODEL,
        description="null: the one picked there; empty: the profile's.",
    )


class EstimateRow(Row):
    """A guess, without the words that one is about to say: their bytes count by `chars_per_token`."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    tokens: int = Field(description="What the model reads first: instructions, tools, what was said before.")
    room: int = Field(description="How many of them what was said before may have; the oldest goes first.")
    left_out: bool = Field(description="The oldest of what was said is left out already.")
    model: str
    usd_per_token: float | None = Field(
        description="0 for the offline model and for servers of one's own; null: the price is not known."
    )
    chars_per_token: float


@router.get("/chat/outlook", response=responses(EstimateRow, 404, 422))
def get_chat_estimate(request: HttpRequest, asked: Query[EstimateQuery]) -> EstimateRow:
    """Guess what the model would read if one asked now, and what reading that costs; the answer is extra."""
    refuse_unknown(request, EstimateQuery.model_fields)
    owner = lookups.current_user(request)
    inside = lookups.conversation(owner, asked.conversation_id) if asked.conversation_id else None
    picked = profile_of(asked.profile) or (inside.profile if inside else None)
    model = asked.model if asked.model is not None or inside is None else inside.model
    profile = build_assignment.answering_profile(picked, model or "")
    context = _said_before(inside, profile) if inside else []
    guess = estimate_request(profile, context, build_assignment.system_context(owner))
    return EstimateRow(
        tokens=guess.tokens,
        room=round(build_assignment.history_tokens()),
        left_out=bool(context) and context[0]["content"] == build_assignment.OLDER,
        model=guess.model,
        usd_per_token=float(guess.price.rates(guess.tokens).input / MILLION) if guess.price.known else None,
        chars_per_token=CHARS_PER_TOKEN,
    )


def _said_before(inside: Conversation, profile: Profile) -> list[dict[str, Any]]:
    """Return what would be told of a conversation if something were said at the end of what is shown."""
    asked = Message(conversation=inside, parent_id=inside.head_id)
    return build_assignment.history(asked, model_of(profile))
