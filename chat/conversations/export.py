"""A conversation as a Markdown file for people: who said what when, piece by piece, however long it is."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

from agents.protocol.media import amount
from chat.conversations import attachments
from chat.history.tool_calls import Call, calls_of
from chat.history.tree import Tree, load
from chat.models import Attachment, Conversation, Message
from chat.states import MessageStatus, Role
from stagent.lib.text import clip

AT_ONCE = 100  # messages that are read at a time
NAME_CHARS = 60
CALL_CHARS = 200


def file_name(conversation: Conversation, ending: str) -> str:
    """Return a name that every file system takes."""
    title = slugify(conversation.title, allow_unicode=True)[:NAME_CHARS].strip("-_")
    return f"{title or 'conversation'}-{conversation.pk}.{ending}"


def batches(message_ids: Sequence[int]) -> Iterator[list[Message]]:
    """Yield messages a stretch at a time, in this order."""
    for start in range(0, len(message_ids), AT_ONCE):
        yield load(message_ids[start : start + AT_ONCE])


def markdown(conversation: Conversation, now: datetime) -> Iterator[str]:
    """Yield the branch that is shown."""
    tree = Tree.of(conversation.pk)
    branch = tree.branch(conversation.head_id)
    title = " ".join(conversation.title.split()) or "New conversation"
    yield f"# {title}\n\n{_about(len(branch), len(tree.nodes), now)}\n"
    for messages in batches(branch):
        calls = calls_of(messages)
        files = attachments.of_messages([each.pk for each in messages if each.files])
        for message in messages:
            made = calls.get(message.transcript_id or 0, [])
            yield _section(message, conversation.owner.get_username(), made, files.get(message.pk, []))


def _about(shown: int, there: int, now: datetime) -> str:
    others = f" Of {there} in all branches." if there != shown else ""
    return f"*{shown} {'message' if shown == 1 else 'messages'}, exported {_moment(now)}.{others}*"


def _section(message: Message, owner: str, calls: Sequence[Call], files: Sequence[Attachment]) -> str:
    told = "\n".join([*(_attached(each) for each in files), *(_told(call) for call in calls)])
    parts = [f"## {_speaker(message, owner)}", told, message.text.strip(), _how(message)]
    return "".join(f"\n{part}\n" for part in parts if part)


def _speaker(message: Message, owner: str) -> str:
    """Return whose words these are, and when they were said."""
    return f"{speaker(message, owner)}, {_moment(message.created_at)}"


def speaker(message: Message, owner: str) -> str:
    """Return whose words these are."""
    if message.role == Role.USER:
        who = owner
    elif message.run_id is not None or message.schedule_id is not None:
        who = f"From the schedule {message.card.get('schedule_name') or message.schedule_id}"
    else:
        profile = message.profile.slug if message.profile else ""
        who = ", ".join(filter(None, ["Assistant", profile, message.model]))
    return " ".join(who.split())


def _how(message: Message) -> str:
    """Return how a reply ended, where its words do not say it."""
    if message.status == MessageStatus.COMPLETE and not message.notice:
        return ""
    return f"*{message.notice or 'Not finished yet.'}*"


def _told(call: Call) -> str:
    shown = json.dumps(call.arguments, ensure_ascii=False).replace("`", "'")
    shown = clip(shown, CALL_CHARS)
    how = "failed" if call.is_error else "done"
    ended = "no result" if call.is_error is None else f"{how} in {call.duration_ms} ms"
    return f"> Called `{call.name}` with `{shown}`: {ended}.  "


def _attached(file: Attachment) -> str:
    return f"> Attached `{file.name.replace('`', "'")}` ({file.media_type}, {amount(file.size)})  "


def _moment(at: datetime) -> str:
    return f"{timezone.localtime(at, timezone.get_default_timezone()):%Y-%m-%d %H:%M} {settings.TIME_ZONE}"
