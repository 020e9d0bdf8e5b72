"""The response schema of a file; its bytes are at /api/attachments/{id}."""

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
    """An uploaded file, sent or not."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"example": EXAMPLE})

    id: Id
    name: str
    kind: FileKind
    media_type: str = Field(description="Detected from the bytes; any text is text/plain.")
    size: int = Field(description="In bytes.")
    width: int | None = Field(description="Of an image, in pixels.")
    height: int | None
    tokens: int | None = Field(description="Estimated input tokens; null for files from old versions.")
    created_at: datetime
