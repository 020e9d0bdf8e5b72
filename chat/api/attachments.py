"""/api/attachments: files on their way into a message, and those that came with one. Only their owner's."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from ninja import File, Router, Status
from ninja.files import UploadedFile

from agents.protocol.media import amount
from chat.api.lookups import current_user
from chat.api.schemas.attachments import AttachmentRow
from chat.conversations import attachments
from chat.conversations.file_types import PDF, TEXT
from chat.errors import file_too_large
from chat.models import Attachment
from chat.states import FileKind
from stagent.lib import clock
from stagent.lib.api.responses import Refusal, responses

router = Router(tags=["chat"])

# Whatever a file is, it can do nothing on our side. The style is a browser's own, around a picture alone.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
KEPT = "private, max-age=86400, immutable"  # behind one address there is never another file
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
BYTES: Any = {"schema": {"type": "string", "format": "binary"}}
FILE: Any = {
    "responses": {200: {"description": "The file.", "content": dict.fromkeys((*PICTURES, PDF, TEXT), BYTES)}}
}


@router.post("/attachments", response=responses(AttachmentRow, 400, 409, 413, 415, 422, status=201))
def upload_attachment(request: HttpRequest, file: File[UploadedFile]) -> Status[AttachmentRow]:
    """Upload a picture, a text or a PDF as multipart/form-data; name its id when you send a message."""
    if (file.size or 0) > attachments.LARGEST:
        raise file_too_large(
            f"A file has at most {amount(attachments.LARGEST)}; it has {amount(file.size or 0)}."
        )
    kept = attachments.store(current_user(request), file.name or "", file.read(), now=clock.now())
    return Status(201, AttachmentRow.model_validate(kept))


@router.get(
    "/attachments/{attachment_id}", response=dict.fromkeys((401, 403, 404), Refusal), openapi_extra=FILE
)
def get_attachment(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Download a file; a picture is shown where a browser asks for it."""
    found = attachments.own(current_user(request), attachment_id)
    response = HttpResponse(attachments.contents([found])[found.pk], headers=_headers(found))
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return response


@router.delete("/attachments/{attachment_id}", response=responses(None, 404, 409, status=204))
def delete_attachment(request: HttpRequest, attachment_id: str) -> Status[None]:
    """Throw away a file that was not sent; one that was goes with its conversation."""
    attachments.delete(current_user(request), attachment_id)
    return Status(204, None)


def _headers(file: Attachment) -> dict[str, str]:
    is_shown = file.kind == FileKind.IMAGE
    kind = f"{file.media_type}; charset=utf-8" if file.kind == FileKind.TEXT else file.media_type
    return {
        "Content-Type": kind,
        "Content-Disposition": content_disposition_header(not is_shown, file.name) or "inline",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": KEPT,
    }
