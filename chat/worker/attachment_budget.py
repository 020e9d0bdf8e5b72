"""Which files go to the model with what was said: the latest, as many as a request takes; others by name."""

from collections.abc import Sequence
from typing import Any

from agents.protocol import media
from chat import conf
from chat.conversations import attachments
from chat.models import Attachment, Message
from chat.states import FileKind

type Block = dict[str, Any]


class AttachmentBudget:
    """What still fits into one request; ask for the latest message first."""

    def __init__(self) -> None:
        self._bytes, self._pictures = conf.MAX_SENT_BYTES, conf.MAX_SENT_PICTURES

    def of(self, message: Message) -> list[Block]:
        """Return the files of a message as blocks; no question is asked where there are none."""
        if not message.files:
            return []
        files = attachments.of_messages([message.pk]).get(message.pk, [])
        contents = attachments.contents([each for each in files if self._takes(each)])
        found = [block for each in files for block in _blocks(each, contents.get(each.pk))]
        return found or [media.omitted(name) for name in message.files.splitlines()]

    def _takes(self, file: Attachment) -> bool:
        pictures = 1 if file.kind == FileKind.IMAGE else 0
        if file.size > self._bytes or pictures > self._pictures:
            return False
        self._bytes -= file.size
        self._pictures -= pictures
        return True


def _blocks(file: Attachment, data: bytes | None) -> Sequence[Block]:
    if data is None:
        return [media.omitted(file.name)]
    return media.blocks(media.File(file.name, file.kind, file.media_type, data, file.tokens))
