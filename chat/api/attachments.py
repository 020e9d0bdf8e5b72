"""/api/attachments: uploaded files and the files of messages, for their owner only."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from ninja import File, Router, Status
from ninja.files import UploadedFile

from agents.protocol.media import format_size
from chat.api.lookups import current_user
from chat.api.schemas.attachments import AttachmentRow
from chat.conversations import attachments
from chat.conversations.file_types import PDF, TEXT
from chat.errors import file_too_large
from chat.models import Attachment
from chat.states import FileKind
from stagent.lib import clock
from stagent.lib.api.responses import ErrorResponse, responses

router = Router(tags=["chat"])

# No active content of a file runs on this origin. Browsers put an inline style around an image.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
CACHE_CONTROL = "private, max-age=86400, immutable"  # the file of an id never changes
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
BYTES: Any = {"schema": {"type": "string", "format": "binary"}}
FILE: Any = {
    "responses": {200: {"description": "The file.", "content": dict.fromkeys((*IMAGES, PDF, TEXT), BYTES)}}
}


@router.post("/attachments", response=responses(AttachmentRow, 400, 409, 413, 415, 422, status=201))
def upload_attachment(request: HttpRequest, file: File[UploadedFile]) -> Status[AttachmentRow]:
    """Upload an image, a text file or a PDF as multipart/form-data. Send its id with a message."""
    if (size := file.size or 0) > attachments.LARGEST:
        limit = format_size(attachments.LARGEST)
        raise file_too_large(f"A file can have at most {limit}; this one has {format_size(size)}.")
    stored = attachments.store(current_user(request), file.name or "", file.read(), now=clock.now())
    return Status(201, AttachmentRow.model_validate(stored))


@router.get(
    "/attachments/{attachment_id}", response=dict.fromkeys((401, 403, 404), ErrorResponse), openapi_extra=FILE
)
def get_attachment(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Download a file. An image is sent inline."""
    found = attachments.own(current_user(request), attachment_id)
    response = HttpResponse(attachments.contents([found])[found.pk], headers=_headers(found))
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return response


@router.delete("/attachments/{attachment_id}", response=responses(None, 404, 409, status=204))
def delete_attachment(request: HttpRequest, attachment_id: str) -> Status[None]:
    """Delete a file that was not sent. A sent file is deleted with its conversation."""
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
        "Cache-Control": CACHE_CONTROL,
    }
