"""A conversation as the API shows it: light, for lists of hundreds."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from chat.conversations.search import Snippet
from chat.models import Conversation
from stagent.lib.api.types import Id, ListQuery, Ref, Row, Said

EXAMPLE: Any = json.loads("""{
  "id": "12", "title": "Release notes", "profile": "assistant", "model": null, "schedule_id": null,
  "forked_from": null, "folder": "Releases", "pinned": false, "unread": true, "live": false, "asks": false,
  "shared": false, "created_at": "2026-11-24T08:00:00Z", "active_at": "2026-11-24T09:12:00Z",
  "archived_at": null, "head_id": "84", "snippet": null
}""")


class SnippetRow(Row):
    """A piece of text around what was searched for."""

    message_id: Ref = Field(description="null: the title has the words, and no message of it.")
    text: str
    marks: list[tuple[int, int]] = Field(
        description="Where the words stand in it, from and to, in characters (code points)."
    )


class ConversationRow(Row):
    """A conversation without its messages."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    title: str = Field(description="Empty until something was said.")
    profile: Said = Field(description="The slug of who answers.")
    model: Said = Field(description="null: the profile's.")
    schedule_id: Ref = Field(description="The schedule whose results arrive here.")
    forked_from: Ref = Field(
        validation_alias="forked_from_id", description="The message after which it goes on in another way."
    )
    folder: Said = Field(description="null: in none.")
    pinned: bool
    unread: bool = Field(description="An answer came after its owner looked last.")
    live: bool = Field(description="A reply in it is not finished.")
    asks: bool = Field(description="A reply in it waits for its owner's answer.")
    shared: bool = Field(description="There is a link by which others read it; see …/share.")
    created_at: datetime
    active_at: datetime = Field(description="When something was said last.")
    archived_at: datetime | None
    head_id: Ref = Field(description="The last message of the branch that is shown.")
    snippet: SnippetRow | None = Field(description="Where the words that were searched for are found.")


def conversation_row(conversation: Conversation, snippet: Snippet | None = None) -> ConversationRow:
    """Show a conversation that `finding` has loaded."""
    profile = conversation.profile.slug if conversation.profile else None
    return ConversationRow.model_validate(ListQuery(conversation, profile=profile, snippet=snippet))


def conversation_rows(
    conversations: Iterable[Conversation], snippets: Mapping[int, Snippet] | None = None
) -> list[ConversationRow]:
    """Show conversations, each with where the words that were searched for are found."""
    where = snippets or {}
    return [conversation_row(each, where.get(each.pk)) for each in conversations]
