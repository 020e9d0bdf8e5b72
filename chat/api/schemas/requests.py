"""The request schemas of conversations and messages."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from chat.conf import MAX_FILES, MAX_TEXT_CHARS
from chat.models.conversation import FOLDER_CHARS, LONGEST_MODEL, TITLE_CHARS
from stagent.lib.api.listing import CursorQuery
from stagent.lib.api.types import IdInput, RequestBody, Text

NOT_GIVEN: Any = None  # a default that is never read: only the fields that were set count
SEARCH_CHARS = 200
MOST_MESSAGES = 2000

NEW: Any = {"title": "Release notes", "profile": "assistant"}
CHANGES: Any = {"title": "Release notes", "folder": "Releases", "read": True}
MESSAGE: Any = {"text": "What failed last night, and why?", "client_msg_id": "b1c9d1f0-6a5e"}


class ConversationFilter(CursorQuery):
    """Filters of conversations; archived ones are listed only if `archived` is true."""

    search: Text | None = Field(
        default=None,
        max_length=SEARCH_CHARS,
        description="Words; the title or one message must have all.",
    )
    archived: bool | None = None
    folder: Text | None = Field(default=None, max_length=FOLDER_CHARS, description="Filter by folder.")


class MessageFilter(CursorQuery):
    """Filters of a conversation's messages."""

    limit: int = Field(default=MOST_MESSAGES, ge=0, le=MOST_MESSAGES)
    branch: Literal["shown", "all"] = Field(
        default="shown", description="shown: the shown branch. all: every branch."
    )


class NewConversation(RequestBody):
    """A conversation without messages; without a title it gets one from the first message."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": NEW})

    title: Text = Field(default="", max_length=TITLE_CHARS)
    profile: Text | None = Field(default=None, description="A slug; null: the assistant.")
    model: Text | None = Field(default=None, max_length=LONGEST_MODEL, description="null: the profile's.")


class ConversationChanges(RequestBody):
    """The fields that can change; fields that are not set stay."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": CHANGES})

    title: Text = Field(default=NOT_GIVEN, max_length=TITLE_CHARS, min_length=1)
    pinned: bool = NOT_GIVEN
    folder: Text | None = Field(
        default=NOT_GIVEN,
        max_length=FOLDER_CHARS,
        description="A name; a new one creates the folder. null: none.",
    )
    archived: bool = NOT_GIVEN
    profile: Text | None = Field(default=NOT_GIVEN, description="A slug.")
    model: Text | None = Field(
        default=NOT_GIVEN, max_length=LONGEST_MODEL, description="null: the profile's."
    )
    head_id: IdInput = Field(
        default=NOT_GIVEN, description="Show the branch of this message, up to its latest message."
    )
    read: bool = Field(default=NOT_GIVEN, description="true: mark as read. false: mark as unread.")


class Fork(RequestBody):
    """The message to fork from."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"message_id": "84"}})

    message_id: IdInput | None = Field(
        default=None, description="null: the last message of the shown branch."
    )


class NewMessage(RequestBody):
    """A message; its pending reply is stored in the same transaction."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": MESSAGE})

    text: Text = Field(
        default="", max_length=MAX_TEXT_CHARS, description="Can be empty if files are attached."
    )
    attachments: list[IdInput] = Field(
        default=[],
        max_length=MAX_FILES,
        description="Ids of uploaded files that were not sent. An edited message can reuse the files of the "
        "original.",
    )
    client_msg_id: Text | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="An idempotency key: the same value again returns the first result while the message "
        "exists.",
    )
    model: Text | None = Field(default=None, max_length=LONGEST_MODEL)
    profile: Text | None = Field(default=None, description="A slug; it also applies to later messages.")
    parent_id: IdInput | None = Field(
        default=None,
        description='null: after the shown branch. A message id: a new branch after it. "root": '
        "a new first message.",
    )
