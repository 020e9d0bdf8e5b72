"""/api/conversations/{id}/share"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Status
from pydantic import ConfigDict, Field

from chat.api import lookups
from chat.conversations import sharing
from chat.models import Share
from stagent.lib import clock
from stagent.lib.api.responses import responses
from stagent.lib.api.types import Id, RequestBody, Row, Timestamp

router = Router(tags=["chat"])
EXAMPLE: Any = {
    "url": "https://stagent.example.org/shared/7-u9…/", "shared_at": "2026-11-24T09:15:00Z",
    "expires_at": None, "head_id": "84", "messages": 12,
}  # fmt: skip


class ShareRequest(RequestBody):
    """The expiry of the link."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"expires_at": "2026-12-24T00:00:00Z"}}
    )

    expires_at: Timestamp | None = Field(default=None, description="null: until it is revoked.")


class ShareRow(Row):
    """A link to a branch up to a message. Any user who can sign in and has the link can read it."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    url: str
    shared_at: datetime
    expires_at: datetime | None
    head_id: Id = Field(description="The last message it shows.")
    messages: int = Field(description="Number of messages it shows.")


@router.get("/conversations/{conversation_id}/share", response=responses(ShareRow, 404))
def get_share(request: HttpRequest, conversation_id: str) -> ShareRow:
    """Get the link to a conversation."""
    return _row(request, sharing.share_of(lookups.current_user(request), conversation_id))


@router.post("/conversations/{conversation_id}/share", response=responses(ShareRow, 400, 404, 409, 422))
def share_conversation(request: HttpRequest, conversation_id: str, asked: ShareRequest) -> ShareRow:
    """Create a link to the shown branch as it is now, or update the existing link to it."""
    owner = lookups.current_user(request)
    made = sharing.share(owner, conversation_id, now=clock.now(), expires_at=asked.expires_at)
    return _row(request, made)


@router.delete("/conversations/{conversation_id}/share", response=responses(None, 404, status=204))
def unshare_conversation(request: HttpRequest, conversation_id: str) -> Status[None]:
    """Revoke the link for good. A later link has another address."""
    sharing.revoke(lookups.current_user(request), conversation_id, now=clock.now())
    return Status(204, None)


def _row(request: HttpRequest, share: Share) -> ShareRow:
    path = reverse("chat:shared", args=[sharing.token_of(share)])
    base = settings.STAGENT_PUBLIC_URL.rstrip("/")
    return ShareRow(
        url=f"{base}{path}" if base else request.build_absolute_uri(path),
        shared_at=share.shared_at,
        expires_at=share.expires_at,
        head_id=str(share.head_id),
        messages=sharing.length(share),
    )
