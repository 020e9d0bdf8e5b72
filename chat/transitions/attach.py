"""Files go along with a person's words: each once, and once more with what is said in their place."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User

from agents.protocol.media import amount
from chat import conf
from chat.errors import attachment_was_used, no_attachment
from chat.models import Attachment, Message, MessageAttachment
from stagent.lib.api.types import number
from stagent.lib.problems import invalid


def attachments_to_attach(owner: User, identifiers: Sequence[str]) -> list[Attachment]:
    """Return the files that are to be sent, in their order; raises a Problem where one is not one's own."""
    if not identifiers:
        return []
    ids = list(dict.fromkeys(identifiers))
    if len(ids) > conf.MAX_FILES:
        raise invalid({"attachments": f"At most {conf.MAX_FILES} files; these are {len(ids)}."})
    there = Attachment.objects.of(owner).in_bulk([number(each) or 0 for each in ids])
    found = [_one(there, each) for each in ids]
    total = sum(each.size for each in found)
    if total > conf.MAX_SENT_BYTES:
        most = amount(conf.MAX_SENT_BYTES)
        raise invalid({"attachments": f"At most {most} together; these files have {amount(total)}."})
    return found


def _one(there: Mapping[int, Attachment], identifier: str) -> Attachment:
    found = there.get(number(identifier) or 0)
    if found is None:
        raise no_attachment(identifier)
    return found


def attach(said: Message, files: Sequence[Attachment], now: datetime) -> None:
    """Put files to a message; belongs into the transaction that stores it."""
    if not files:
        return
    ids = [each.pk for each in files]
    fresh = Attachment.objects.unsent().filter(pk__in=ids).update(sent_at=now)
    if fresh < len(ids) and fresh + _beside(said, ids) != len(ids):
        raise attachment_was_used()
    MessageAttachment.objects.bulk_create(
        MessageAttachment(message=said, attachment=each, position=position)
        for position, each in enumerate(files)
    )


def _beside(said: Message, ids: Sequence[int]) -> int:
    """Count the files that came with what stands at the same place: an edited message keeps them."""
    beside = MessageAttachment.objects.filter(
        attachment__in=ids, message__conversation=said.conversation_id, message__parent=said.parent_id
    )
    return beside.values("attachment").distinct().count()
