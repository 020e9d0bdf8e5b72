"""Deletes expired rows in small steps: trashed conversations, files never sent, old feed events.

Every reply worker calls it; two at once do no harm.
"""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from agents.approvals import standing
from agents.models import Event
from agents.transcripts import transcript
from chat import conf
from chat.conf import RESTORABLE
from chat.models import Attachment, Conversation, Feed, Message, MessageAttachment

EVERY_SEC = 600.0
FEED_RETENTION = timedelta(days=7)  # a page that was offline for longer reloads everything
CALL_SEC = 0.5  # of one call; the rest waits for the next
ROWS = 500  # in one transaction: on SQLite all other writers wait for it
LOGS = 50
FILES = 10  # at a time: they can be large


def prune(now: datetime, *, seconds: float = CALL_SEC) -> bool:
    """Delete expired rows for about `seconds`; return whether none is left."""
    until = time.monotonic() + seconds
    trashed = Conversation.objects.filter(deleted_at__lt=now - RESTORABLE).order_by("deleted_at", "pk")
    while conversation := trashed.first():
        while not _delete_step(conversation):
            if time.monotonic() >= until:
                return False
    return _prune_files(now - conf.UNSENT_RETENTION, until) and _prune_feeds(now - FEED_RETENTION, until)


def _delete_step(conversation: Conversation) -> bool:
    """Delete the newest messages of a conversation, and in the last step itself; return whether it is gone.

    Newest first: a message is deleted after its replies, so no delete cascades over a whole tree.
    """
    newest = conversation.messages.order_by("-pk").values_list("pk", "transcript_id", "run_id")[:LOGS]
    ids = [pk for pk, _, _ in newest]
    transcripts = [log for _, log, run_id in newest if log is not None and run_id is None]
    logs = _exclusive(conversation, transcripts)
    if not (_delete_files(conversation, ids) and transcript.delete_events(logs, ROWS)):
        return False
    with transaction.atomic():
        Message.objects.filter(pk__in=ids).delete()
        transcript.discard(logs)
        if len(ids) < LOGS:
            standing.revoke_all([standing.conversation_scope(conversation.pk)])
            conversation.delete()
    return len(ids) < LOGS


def _exclusive(conversation: Conversation, logs: list[int]) -> list[int]:
    """Return the logs that no fork of the conversation shares."""
    elsewhere = Message.objects.filter(transcript_id__in=logs).exclude(conversation=conversation)
    shared = set(elsewhere.values_list("transcript_id", flat=True))
    return [log for log in logs if log not in shared]


def _delete_files(conversation: Conversation, message_ids: list[int]) -> bool:
    """Delete some files of these messages that no fork has; return whether none is left."""
    elsewhere = MessageAttachment.objects.filter(attachment=OuterRef("pk")).exclude(
        message__conversation=conversation
    )
    exclusive = Attachment.objects.filter(~Exists(elsewhere), enclosures__message__in=message_ids)
    some = exclusive.order_by().distinct()[:FILES]
    return Attachment.objects.filter(pk__in=[each.pk for each in some]).delete()[0] == 0


def _prune_files(before: datetime, until: float) -> bool:
    """Delete files that were uploaded and never sent; return whether none is left."""
    while _delete_unsent(before):
        if time.monotonic() >= until:
            return False
    return True


@transaction.atomic
def _delete_unsent(before: datetime) -> bool:
    """Delete some that no transaction is sending now; return whether there may be more."""
    locked = Attachment.objects.forgotten(before).order_by("created_at", "pk").select_for_update()
    ids = [each.pk for each in locked[:FILES]]
    Attachment.objects.filter(pk__in=ids).delete()
    return len(ids) == FILES


def _prune_feeds(before: datetime, until: float) -> bool:
    """Delete old feed events, oldest first, so a feed has no gaps; return whether none is left."""
    for log in Feed.objects.order_by("pk").values_list("transcript_id", flat=True):
        while _prune_feed(log, before):
            if time.monotonic() >= until:
                return False
    return True


def _prune_feed(log: int, before: datetime) -> bool:
    """Delete some of the oldest events of a feed; return whether there may be more."""
    oldest = Event.objects.filter(transcript_id=log).order_by("seq").values_list("pk", "at")[:ROWS]
    old = []
    for pk, at in oldest:
        if at >= before:
            break
        old.append(pk)
    Event.objects.filter(pk__in=old).delete()
    return len(old) == ROWS
