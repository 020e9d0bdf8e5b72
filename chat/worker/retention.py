"""What is old goes, bit by bit: conversations that were thrown away, files that were never sent, seen news.

Called by the desk of every web process; doing it twice at once is harmless.
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
NEWS_KEPT = timedelta(days=7)  # a page that was away for longer reads everything anew
SLICE_SEC = 0.5  # of one call; what is left waits for the next
ROWS = 500  # that one transaction deletes: on SQLite everybody waits for it
LOGS = 50
FILES = 10  # they may be large


def prune(now: datetime, *, seconds: float = SLICE_SEC) -> bool:
    """Delete what is old, for about so long; tell whether nothing is left to delete."""
    until = time.monotonic() + seconds
    thrown_away = Conversation.objects.filter(deleted_at__lt=now - RESTORABLE).order_by("deleted_at", "pk")
    while conversation := thrown_away.first():
        while not _take_away(conversation):
            if time.monotonic() >= until:
                return False
    return _prune_files(now - conf.UNSENT_KEPT, until) and _prune_news(now - NEWS_KEPT, until)


def _take_away(conversation: Conversation) -> bool:
    """Delete the newest messages of a conversation, at last itself; tell whether it is gone.

    The newest first: no message goes before its answers, so none is deleted together with a whole tree.
    """
    newest = conversation.messages.order_by("-pk").values_list("pk", "transcript_id", "run_id")[:LOGS]
    ids = [pk for pk, _, _ in newest]
    told = [log for _, log, run_id in newest if log is not None and run_id is None]  # a run keeps its own
    logs = _own(conversation, told)
    if not (_without_files(conversation, ids) and transcript.delete_events(logs, ROWS)):
        return False
    with transaction.atomic():
        Message.objects.filter(pk__in=ids).delete()
        transcript.discard(logs)
        if len(ids) < LOGS:
            standing.revoke_all([standing.conversation_scope(conversation.pk)])
            conversation.delete()
    return len(ids) < LOGS


def _own(conversation: Conversation, logs: list[int]) -> list[int]:
    """Leave out the logs that a conversation shares with its forks."""
    elsewhere = Message.objects.filter(transcript_id__in=logs).exclude(conversation=conversation)
    shared = set(elsewhere.values_list("transcript_id", flat=True))
    return [log for log in logs if log not in shared]


def _without_files(conversation: Conversation, message_ids: list[int]) -> bool:
    """Delete some of the files of messages that go, none that a fork has; tell whether none is left."""
    elsewhere = MessageAttachment.objects.filter(attachment=OuterRef("pk")).exclude(
        message__conversation=conversation
    )
    own = Attachment.objects.filter(~Exists(elsewhere), enclosures__message__in=message_ids)
    some = own.order_by().distinct()[:FILES]
    return Attachment.objects.filter(pk__in=[each.pk for each in some]).delete()[0] == 0


def _prune_files(before: datetime, until: float) -> bool:
    """Delete files that were uploaded and never sent; tell whether none is left."""
    while _forget_some(before):
        if time.monotonic() >= until:
            return False
    return True


@transaction.atomic
def _forget_some(before: datetime) -> bool:
    """Delete some, none of which is being sent this moment; tell whether there may be more."""
    locked = Attachment.objects.forgotten(before).order_by("created_at", "pk").select_for_update()
    ids = [each.pk for each in locked[:FILES]]
    Attachment.objects.filter(pk__in=ids).delete()
    return len(ids) == FILES


def _prune_news(before: datetime, until: float) -> bool:
    """Delete old news, each feed from its oldest on: what is left of it has no gaps."""
    for log in Feed.objects.order_by("pk").values_list("transcript_id", flat=True):
        while _prune_feed(log, before):
            if time.monotonic() >= until:
                return False
    return True


def _prune_feed(log: int, before: datetime) -> bool:
    """Delete the oldest news of a feed; tell whether there may be more."""
    oldest = Event.objects.filter(transcript_id=log).order_by("seq").values_list("pk", "at")[:ROWS]
    old = []
    for pk, at in oldest:
        if at >= before:
            break
        old.append(pk)
    Event.objects.filter(pk__in=old).delete()
    return len(old) == ROWS
