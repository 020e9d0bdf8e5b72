"""Attaches uploaded files to a message: each file to one message, and to edited versions of that message."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User

from agents.protocol.media import format_size
from chat import conf
from chat.errors import attachment_was_used, no_attachment
from chat.models import Attachment, Message, MessageAttachment
from stagent.lib.api.types import parse_id
from stagent.lib.problems import invalid


def attachments_to_attach(owner: User, identifiers: Sequence[str]) -> list[Attachment]:
    """Return the files to send, in the order given. Raises `Problem` if one does not exist for this owner."""
    if not identifiers:
        return []
    ids = list(dict.fromkeys(identifiers))
    if len(ids) > conf.MAX_FILES:
        raise invalid(
            {"attachments": f"A message can have at most {conf.MAX_FILES} files; this one has {len(ids)}."}
        )
    by_id = Attachment.objects.of(owner).in_bulk([parse_id(each) or 0 for each in ids])
    found = [_attachment(by_id, each) for each in ids]
    total = sum(each.size for each in found)
    if total > conf.MAX_SENT_BYTES:
        limit, size = format_size(conf.MAX_SENT_BYTES), format_size(total)
        raise invalid({"attachments": f"The files of a message can have at most {limit}; these have {size}."})
    return found


def _attachment(by_id: Mapping[int, Attachment], identifier: str) -> Attachment:
    found = by_id.get(parse_id(identifier) or 0)
    if found is None:
        raise no_attachment(identifier)
    return found


def attach(message: Message, files: Sequence[Attachment], now: datetime) -> None:
    """Attach files to a message. Call it in the transaction that stores the message."""
    if not files:
        return
    ids = [each.pk for each in files]
    fresh = Attachment.objects.unsent().filter(pk__in=ids).update(sent_at=now)
    if fresh < len(ids) and fresh + _count_reused(message, ids) != len(ids):
        raise attachment_was_used()
    MessageAttachment.objects.bulk_create(
        MessageAttachment(message=message, attachment=each, position=position)
        for position, each in enumerate(files)
    )


def _count_reused(message: Message, ids: Sequence[int]) -> int:
    """Count the files of the message's siblings: an edited message can reuse the files of the original."""
    reused = MessageAttachment.objects.filter(
        attachment__in=ids, message__conversation=message.conversation_id, message__parent=message.parent_id
    )
    return reused.values("attachment").distinct().count()
