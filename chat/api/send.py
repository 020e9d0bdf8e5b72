"""Stores messages sent over HTTP and returns them with their pending replies."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from pydantic import ConfigDict

from chat.api.lookups import current_user
from chat.api.schemas.messages import EXAMPLE, MessageRow, message_rows
from chat.api.schemas.requests import NewConversation, NewMessage
from chat.conversations.actions import clean_name
from chat.history.tree import Tree, load
from chat.models import Conversation
from chat.transitions import Accepted, Draft, accept, ask_again
from chat.transitions.accept import begin as begin_conversation
from chat.transitions.accept import profile_of
from stagent.lib.api.types import Id, NullableText, Row

MESSAGE: Any = EXAMPLE | {
    "id": "83", "role": "user", "reason": None, "text": "What failed last night?", "html": None,
    "parent_id": "82", "siblings": ["83"], "profile": None, "tools": [], "last_seq": 0,
    "parts": [{"kind": "text", "text": "What failed last night?", "html": None, "call_id": None,
               "duration_ms": None}],
    "finished_at": "2026-11-24T09:11:58Z", "first_token_ms": None, "total_ms": None, "input_tokens": 0,
    "output_tokens": 0, "cost_usd": 0.0,
}  # fmt: skip
REPLY: Any = EXAMPLE | {
    "status": "pending", "reason": None, "text": "", "html": None, "parts": [], "tools": [], "last_seq": 0,
    "finished_at": None, "first_token_ms": None, "total_ms": None, "input_tokens": 0, "output_tokens": 0,
    "cost_usd": 0.0,
}  # fmt: skip
RESULT: Any = {
    "conversation_id": "12", "message_id": "83", "reply_id": "84", "client_msg_id": "b1c9d1f0-6a5e",
    "message": MESSAGE, "reply": REPLY, "duplicate": False,
}  # fmt: skip


class SendResult(Row):
    """A user's message and its pending reply; list the reply's events to follow it.

    The ids have the same names as in the frame `accepted` of the socket.
    """

    model_config = ConfigDict(json_schema_extra={"example": RESULT})

    conversation_id: Id
    message_id: Id
    reply_id: Id
    client_msg_id: NullableText
    message: MessageRow
    reply: MessageRow
    duplicate: bool


def begin(owner: User, asked: NewConversation, now: datetime) -> Conversation:
    """Create a conversation without messages."""
    profile, title = (
        profile_of(asked.profile),
        clean_name("title", asked.title) if asked.title.strip() else "",
    )
    return begin_conversation(owner, now, title=title, profile=profile, model=asked.model or "")


def send(request: HttpRequest, conversation_id: str, asked: NewMessage, now: datetime) -> SendResult:
    """Store a message; the same `client_msg_id` again returns the first result."""
    draft = Draft(**asked.model_dump() | {"conversation_id": conversation_id})
    return _result(accept(current_user(request), draft, now=now))


def again(owner: User, message_id: str, now: datetime) -> SendResult:
    """Create another reply to the same message."""
    return _result(ask_again(owner, message_id, now=now))


def _result(accepted: Accepted) -> SendResult:
    tree, both = Tree.of(accepted.conversation_id), load([accepted.message_id, accepted.reply_id])
    message, reply = message_rows(both, tree)
    return SendResult(
        conversation_id=message.conversation_id,
        message_id=message.id,
        reply_id=reply.id,
        client_msg_id=accepted.client_msg_id,
        message=message,
        reply=reply,
        duplicate=accepted.duplicate,
    )
