"""Stores, finds and deletes uploaded files, and reads the files of messages."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum

from agents.protocol.media import estimate_file_tokens, format_size
from chat import conf
from chat.conversations import file_types
from chat.errors import attachment_was_sent, file_quota_exceeded, no_attachment
from chat.models import Attachment, Content, MessageAttachment
from chat.transitions.accept import number

LARGEST = max(conf.MAX_FILE_BYTES.values())  # larger uploads are refused unread


def store(owner: User, name: str, data: bytes, *, now: datetime) -> Attachment:
    """Store an upload. A file that is never sent is deleted after `conf.UNSENT_RETENTION`."""
    found = file_types.detect(data)
    with transaction.atomic():
        _check_quota(owner, len(data))
        stored = Attachment.objects.create(
            owner=owner,
            name=file_types.name_of(name),
            kind=found.kind,
            media_type=found.media_type,
            size=len(data),
            width=found.width,
            height=found.height,
            tokens=estimate_file_tokens(found.kind, data),
            created_at=now,
        )
        Content.objects.create(attachment=stored, data=data)
    return stored


def own(owner: User, attachment_id: str) -> Attachment:
    """Return a file of the owner. Raises `Problem` for any other."""
    found = Attachment.objects.of(owner).filter(pk=number(attachment_id)).first()
    if found is None:
        raise no_attachment()
    return found


def delete(owner: User, attachment_id: str) -> None:
    """Delete a file that was not sent."""
    with transaction.atomic():
        locked = Attachment.objects.of(owner).select_for_update(of=("self",))
        found = locked.filter(pk=number(attachment_id)).first()
        if found is None:
            raise no_attachment()
        if found.sent_at is not None:
            raise attachment_was_sent()
        found.delete()


def of_messages(message_ids: Collection[int]) -> dict[int, list[Attachment]]:
    """Return the files of messages by message id, in their order."""
    found: dict[int, list[Attachment]] = {}
    if message_ids:
        rows = MessageAttachment.objects.filter(message__in=message_ids).select_related("attachment")
        for row in rows.order_by("message", "position"):
            found.setdefault(row.message_id, []).append(row.attachment)
    return found


def contents(attachments: Iterable[Attachment]) -> dict[int, bytes]:
    """Return the bytes of files."""
    rows = Content.objects.filter(attachment__in=[each.pk for each in attachments])
    return {pk: bytes(data) for pk, data in rows.values_list("attachment_id", "data")}


def _check_quota(owner: User, size: int) -> None:
    """Refuse an upload beyond the quota; two uploads at once can exceed it, an accepted race."""
    used = Attachment.objects.of(owner).aggregate(sum=Sum("size"))["sum"] or 0
    if used + size > conf.MAX_STORED_BYTES:
        most = format_size(conf.MAX_STORED_BYTES)
        raise file_quota_exceeded(
            f"Your files have {format_size(used)} of {most}. Delete a conversation with files to free space."
        )
