"""Files of a prompt as blocks of the Messages API, and their estimated tokens.

A note names the file and its contents follow: an image or PDF as a block of its own, a text inside the note.
Servers other than the provider's own take no documents; there a note replaces the PDF.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.protocol.usage import CHARS_PER_TOKEN, count_chars, estimate_tokens
from stagent.lib.text import is_blank

IMAGE_TOKENS = 1_600  # the most that an image costs: providers scale larger ones down
PAGE_TOKENS = 3_000  # of a PDF, read both as an image and as text
MAX_TEXT_CHARS = 200_000  # of a text file; the rest is cut off
CUT = "\n[Cut here: these are the first {:,} of {:,} characters.]"
NO_PDF = (
    "<stagent-note>The PDF named above is missing: this server takes no documents. Say so.</stagent-note>"
)
OMITTED = "<stagent-file>{} was attached here; it is left out now to save space.</stagent-file>"

PAGE = re.compile(rb"/Type\s*/Page\b")
MEDIA_TYPES = ("image", "document")

Block = dict[str, Any]
type Message = dict[str, Any]


@dataclass(frozen=True)
class PromptFile:
    """A file with its bytes. `kind` is image, text or pdf; `tokens` is a stored estimate."""

    name: str
    kind: str
    media_type: str
    data: bytes
    tokens: int | None = None


class MediaBlock(Block):
    """An image or document block that stores its estimated tokens: estimating reads all bytes."""

    def __init__(self, kind: str, source: Block, tokens: int) -> None:
        super().__init__(type=kind, source=source)
        self.tokens = tokens


def to_blocks(file: PromptFile) -> list[Block]:
    """Convert a file to content blocks."""
    label = f"{file.name} ({file.media_type}, {format_size(len(file.data))})"
    if file.kind == "text":
        return [_text(f"<stagent-file>{label}:\n\n{_decode_text(file.data)}\n</stagent-file>")]
    kind = "image" if file.kind == "image" else "document"
    source = {"type": "base64", "media_type": file.media_type, "data": b64encode(file.data).decode()}
    tokens = estimate_file_tokens(file.kind, file.data) if file.tokens is None else file.tokens
    return [_text(f"<stagent-file>{label}</stagent-file>"), MediaBlock(kind, source, tokens)]


def estimate_file_tokens(kind: str, data: bytes) -> int:
    """Estimate the tokens of a file's contents."""
    match kind:
        case "image":
            return IMAGE_TOKENS
        case "text":
            return estimate_tokens(min(len(data), MAX_TEXT_CHARS))
    return max(1, len(PAGE.findall(data))) * PAGE_TOKENS


def placeholder_block(name: str) -> Block:
    """Build the block that replaces a file left out."""
    return _text(OMITTED.format(name))


def build_user_content(files: Sequence[Block], text: str) -> str | list[Block]:
    """Build the content of a user message: files first, as models read them best."""
    if not files:
        return text
    return list(files) if is_blank(text) else [*files, _text(text)]


def without_documents(messages: list[Message]) -> list[Message]:
    """Replace documents by a note, for servers that take none."""
    return [_map_blocks(message, lambda block: _text(NO_PDF) if block["type"] == "document" else block)
            for message in messages]  # fmt: skip


def count_prompt_chars(messages: Sequence[Message]) -> int:
    """Return the size of messages in characters; images and documents count by tokens, not bytes."""
    media = media_blocks(messages)
    if not media:
        return count_chars(messages)
    return count_chars(without_media_data(messages)) + round(sum(map(tokens, media)) * CHARS_PER_TOKEN)


def without_media_data(messages: Sequence[Message]) -> list[Message]:
    """Return messages without the contents of images and documents."""
    return [_map_blocks(message, _without_data) for message in messages]


def tokens(block: Block) -> int:
    """Return the stored or estimated tokens of an image or document block."""
    if isinstance(block, MediaBlock):
        return block.tokens
    if block["type"] == "image":
        return IMAGE_TOKENS
    return estimate_file_tokens("pdf", b64decode(block["source"]["data"]))


def media_blocks(messages: Iterable[Message]) -> list[Block]:
    """Return the image and document blocks of messages."""
    return [block for message in messages for block in _media_blocks_of(message)]


def format_size(size: int) -> str:
    """Format a number of bytes: 12 bytes, 3.4 KB, 1.2 MB."""
    for unit, unit_bytes in (("MB", 2**20), ("KB", 2**10)):
        if size >= unit_bytes:
            return f"{size / unit_bytes:.1f} {unit}".replace(".0 ", " ")
    return f"{size} byte{'' if size == 1 else 's'}"


def _media_blocks_of(message: Message) -> list[Block]:
    content = message["content"]
    return [] if isinstance(content, str) else [block for block in content if block["type"] in MEDIA_TYPES]


def _map_blocks(message: Message, change: Any) -> Message:
    if not _media_blocks_of(message):
        return message
    return message | {"content": [change(block) for block in message["content"]]}


def _without_data(block: Block) -> Block:
    return {"type": block["type"]} if block["type"] in MEDIA_TYPES else block


def _decode_text(data: bytes) -> str:
    text = data.decode("utf-8-sig", "replace").replace("</stagent-", "<\\/stagent-")
    return (
        text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + CUT.format(MAX_TEXT_CHARS, len(text))
    )


def _text(text: str) -> Block:
    return {"type": "text", "text": text}
