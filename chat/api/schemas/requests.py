"""What may be asked of conversations and messages."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from chat.conf import MAX_FILES, MAX_TEXT_CHARS
from chat.models.conversation import FOLDER_CHARS, LONGEST_MODEL, TITLE_CHARS
from stagent.lib.api.listing import Paged
from stagent.lib.api.types import AnyId, RequestBody, Text

NOT_GIVEN: Any = None  # a default that is never read: only the fields that were given count
SEARCH_CHARS = 200
MOST_MESSAGES = 2000

NEW: Any = {"title": "Release notes", "profile": "assistant"}
CHANGES: Any = {"title": "Release notes", "folder": "Releases", "read": True}
SAID: Any = {"text": "What failed last night, and why?", "client_msg_id": "b1c9d1f0-6a5e"}


class ConversationFilter(Paged):
    """Which conversations; those that are put away only where `archived` is true."""

    search: Text | None = Field(
        default=None, max_length=SEARCH_CHARS, description="Words that a title or a message has, all of them."
    )
    archived: bool | None = None
    folder: Text | None = Field(
        default=None, max_length=FOLDER_CHARS, description="Only what lies in this folder."
    )


class MessageFilter(Paged):
    """Which messages of a conversation."""

    limit: int = Field(default=MOST_MESSAGES, ge=0, le=MOST_MESSAGES)
    branch: Literal["shown", "all"] = Field(
        default="shown", description="shown: the branch that its owner sees. all: every branch."
    )


class NewConversation(RequestBody):
    """A conversation in which nothing was said yet; without a title it gets one from the first message."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": NEW})

    title: Text = Field(default="", max_length=TITLE_CHARS)
    profile: Text | None = Field(default=None, description="A slug; null is the assistant.")
    model: Text | None = Field(default=None, max_length=LONGEST_MODEL, description="null: the profile's.")


class ConversationChanges(RequestBody):
    """What may be changed; only the fields that are given are."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": CHANGES})

    title: Text = Field(default=NOT_GIVEN, max_length=TITLE_CHARS, min_length=1)
    pinned: bool = NOT_GIVEN
    folder: Text | None = Field(
        default=NOT_GIVEN, max_length=FOLDER_CHARS, description="Its name, which makes it; null takes out."
    )
    archived: bool = NOT_GIVEN
    profile: Text | None = Field(default=NOT_GIVEN, description="A slug.")
    model: Text | None = Field(
        default=NOT_GIVEN, max_length=LONGEST_MODEL, description="null: the profile's."
    )
    head_id: AnyId = Field(
        default=NOT_GIVEN, description="Show the branch that this message is in, to its latest end."
    )
    read: bool = Field(default=NOT_GIVEN, description="true: its owner has looked. false: mark as unread.")


class Fork(RequestBody):
    """From which message on a conversation is to go on in another one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"message_id": "84"}})

    message_id: AnyId | None = Field(
        default=None, description="null: the last message of the branch that is shown."
    )


class NewMessage(RequestBody):
    """Something to say; the answer is placed in the same transaction."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": SAID})

    text: Text = Field(
        default="", max_length=MAX_TEXT_CHARS, description="May be empty where files say enough."
    )
    attachments: list[AnyId] = Field(
        default=[],
        max_length=MAX_FILES,
        description="Ids of uploaded files, none of which was sent; a branch beside a message may have the "
        "message's own once more.",
    )
    client_msg_id: Text | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="A name of your own; sent again, it gets the first answer, for as long as the message is "
        "kept.",
    )
    model: Text | None = Field(default=None, max_length=LONGEST_MODEL)
    profile: Text | None = Field(default=None, description="A slug; it holds until another is picked.")
    parent_id: AnyId | None = Field(
        default=None,
        description='null: after what is shown. Another message: a branch beside what follows it. "root": '
        "before everything.",
    )
