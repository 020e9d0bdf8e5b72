"""The response schema of a conversation, without messages."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from chat.conversations.search import Snippet
from chat.models import Conversation
from stagent.lib.api.types import Id, NullableId, NullableText, Row, RowWithExtras

EXAMPLE: Any = json.loads("""{
  "id": "12", "title": "Release notes", "profile": "assistant", "model": null, "schedule_id": null,
  "forked_from": null, "folder": "Releases", "pinned": false, "unread": true, "live": false, "asks": false,
  "shared": false, "created_at": "2026-11-24T08:00:00Z", "active_at": "2026-11-24T09:12:00Z",
  "archived_at": null, "head_id": "84", "snippet": null
}""")


class SnippetRow(Row):
    """The text around a search match."""

    message_id: NullableId = Field(description="null: only the title matches.")
    text: str
    marks: list[tuple[int, int]] = Field(
        description="Start and end of each match in `text`, in characters (code points)."
    )


class ConversationRow(Row):
    """A conversation without its messages."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    title: str = Field(description="Empty until the first message.")
    profile: NullableText = Field(description="The slug of the profile that replies.")
    model: NullableText = Field(description="null: the profile's.")
    schedule_id: NullableId = Field(description="The schedule whose results are delivered here.")
    forked_from: NullableId = Field(
        validation_alias="forked_from_id", description="The message from which it was forked."
    )
    folder: NullableText = Field(description="null: no folder.")
    pinned: bool
    unread: bool = Field(description="It has a reply that its owner has not read.")
    live: bool = Field(description="It has an unfinished reply.")
    asks: bool = Field(description="It has an open approval request.")
    shared: bool = Field(description="It has a share link; see …/share.")
    created_at: datetime
    active_at: datetime = Field(description="Time of the last message.")
    archived_at: datetime | None
    head_id: NullableId = Field(description="The last message of the shown branch.")
    snippet: SnippetRow | None = Field(description="The search match.")


def conversation_row(conversation: Conversation, snippet: Snippet | None = None) -> ConversationRow:
    """Serialize a conversation loaded by `lookups.conversations`."""
    profile = conversation.profile.slug if conversation.profile else None
    return ConversationRow.model_validate(RowWithExtras(conversation, profile=profile, snippet=snippet))


def conversation_rows(
    conversations: Iterable[Conversation], snippets: Mapping[int, Snippet] | None = None
) -> list[ConversationRow]:
    """Serialize conversations, each with its search match."""
    snippets = snippets or {}
    return [conversation_row(each, snippets.get(each.pk)) for each in conversations]
