"""Exports a conversation as Markdown, in pieces, so a long one does not fill the memory."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

from agents.protocol.media import format_size
from chat.conversations import attachments
from chat.history.tool_calls import Call, calls_of
from chat.history.tree import Tree, load
from chat.models import Attachment, Conversation, Message
from chat.states import MessageStatus, Role
from stagent.lib.text import clip

BATCH = 100  # messages read at a time
NAME_CHARS = 60
CALL_CHARS = 200


def file_name(conversation: Conversation, ending: str) -> str:
    """Return a file name that is valid on every file system."""
    title = slugify(conversation.title, allow_unicode=True)[:NAME_CHARS].strip("-_")
    return f"{title or 'conversation'}-{conversation.pk}.{ending}"


def batches(message_ids: Sequence[int]) -> Iterator[list[Message]]:
    """Yield messages in batches, in this order."""
    for start in range(0, len(message_ids), BATCH):
        yield load(message_ids[start : start + BATCH])


def markdown(conversation: Conversation, now: datetime) -> Iterator[str]:
    """Yield the shown branch."""
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


def _about(shown: int, total: int, now: datetime) -> str:
    suffix = f" Of {total} in all branches." if total != shown else ""
    return f"*{shown} {'message' if shown == 1 else 'messages'}, exported {_moment(now)}.{suffix}*"


def _section(message: Message, owner: str, calls: Sequence[Call], files: Sequence[Attachment]) -> str:
    lines = "\n".join([*(_describe_file(each) for each in files), *(_describe_call(call) for call in calls)])
    parts = [f"## {_speaker(message, owner)}", lines, message.text.strip(), _outcome(message)]
    return "".join(f"\n{part}\n" for part in parts if part)


def _speaker(message: Message, owner: str) -> str:
    """Return the author and the time of a message."""
    return f"{speaker(message, owner)}, {_moment(message.created_at)}"


def speaker(message: Message, owner: str) -> str:
    """Return the author of a message."""
    if message.role == Role.USER:
        who = owner
    elif message.run_id is not None or message.schedule_id is not None:
        who = f"From the schedule {message.card.get('schedule_name') or message.schedule_id}"
    else:
        profile = message.profile.slug if message.profile else ""
        who = ", ".join(filter(None, ["Assistant", profile, message.model]))
    return " ".join(who.split())


def _outcome(message: Message) -> str:
    """Return the notice of a reply; empty for a complete one."""
    if message.status == MessageStatus.COMPLETE and not message.notice:
        return ""
    return f"*{message.notice or 'Not finished yet.'}*"


def _describe_call(call: Call) -> str:
    shown = json.dumps(call.arguments, ensure_ascii=False).replace("`", "'")
    shown = clip(shown, CALL_CHARS)
    how = "failed" if call.is_error else "done"
    ended = "no result" if call.is_error is None else f"{how} in {call.duration_ms} ms"
    return f"> Called `{call.name}` with `{shown}`: {ended}.  "


def _describe_file(file: Attachment) -> str:
    return f"> Attached `{file.name.replace('`', "'")}` ({file.media_type}, {format_size(file.size)})  "


def _moment(at: datetime) -> str:
    return f"{timezone.localtime(at, timezone.get_default_timezone()):%Y-%m-%d %H:%M} {settings.TIME_ZONE}"
