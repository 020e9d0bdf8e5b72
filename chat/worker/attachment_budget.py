"""Chooses the files of a request: the latest, as many as the provider accepts; the others by name only."""

from collections.abc import Sequence
from typing import Any

from agents.protocol import media
from chat import conf
from chat.conversations import attachments
from chat.models import Attachment, Message
from chat.states import FileKind

type Block = dict[str, Any]


class AttachmentBudget:
    """The bytes and images that one request can still take. Call `of` for the latest message first."""

    def __init__(self) -> None:
        self._bytes, self._images = conf.MAX_SENT_BYTES, conf.MAX_SENT_PICTURES

    def of(self, message: Message) -> list[Block]:
        """Return the files of a message as content blocks. No query is made for a message without files."""
        if not message.files:
            return []
        files = attachments.of_messages([message.pk]).get(message.pk, [])
        contents = attachments.contents([each for each in files if self._spend(each)])
        found = [block for each in files for block in _blocks(each, contents.get(each.pk))]
        return found or [media.placeholder_block(name) for name in message.files.splitlines()]

    def _spend(self, file: Attachment) -> bool:
        images = 1 if file.kind == FileKind.IMAGE else 0
        if file.size > self._bytes or images > self._images:
            return False
        self._bytes -= file.size
        self._images -= images
        return True


def _blocks(file: Attachment, data: bytes | None) -> Sequence[Block]:
    if data is None:
        return [media.placeholder_block(file.name)]
    return media.to_blocks(media.PromptFile(file.name, file.kind, file.media_type, data, file.tokens))
