"""A file as the API shows it; its bytes are at /api/attachments/{id}."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from chat.states import FileKind
from stagent.lib.api.types import Id, Row

EXAMPLE: Any = {
    "id": "5", "name": "screenshot.png", "kind": "image", "media_type": "image/png", "size": 48213,
    "width": 1280, "height": 800, "tokens": 1600,
    "created_at": "2026-11-24T09:11:50Z",
}  # fmt: skip


class AttachmentRow(Row):
    """A file that was uploaded, or came with a message."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": EXAMPLE})

    id: Id
    name: str
    kind: FileKind
    media_type: str = Field(description="By its bytes; text is text/plain, whatever it is written in.")
    size: int = Field(description="In bytes.")
    width: int | None = Field(description="Of a picture, in pixels.")
    height: int | None
    tokens: int | None = Field(description="What a model reads of it, about; null for files of long ago.")
    created_at: datetime
