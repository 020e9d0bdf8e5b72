"""Files that come with a prompt: as blocks of the Messages API, and what they weigh for a model.

A note names a file and its contents follow: a picture or a PDF as a block of its own, a text within the note.
Servers other than the provider's own take no documents; there words stand in the place of a PDF.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.protocol.usage import CHARS_PER_TOKEN, estimate, size
from stagent.lib.text import is_blank

IMAGE_TOKENS = 1_600  # the most that a picture costs: a larger one is made smaller before it is looked at
PAGE_TOKENS = 3_000  # of a PDF, which is both looked at and read
LONGEST_TEXT = 200_000  # characters of a text file; what is beyond is cut off
CUT = "\n[Cut here: these are the first {:,} of {:,} characters.]"
NO_PDF = (
    "<stagent-note>The PDF named above is not here: this server takes no documents. Say so.</stagent-note>"
)
LEFT_OUT = "<stagent-file>{} was attached here; to save room it is left out now.</stagent-file>"

PAGE = re.compile(rb"/Type\s*/Page\b")
HEAVY = ("image", "document")

Block = dict[str, Any]
type Message = dict[str, Any]


@dataclass(frozen=True)
class File:
    """A file with its bytes; `kind` is image, text or pdf, `tokens` what it was found to cost, if it was."""

    name: str
    kind: str
    media_type: str
    data: bytes
    tokens: int | None = None


class Heavy(Block):
    """A picture or a document that knows what it costs: to find out takes a look at all its bytes."""

    def __init__(self, kind: str, source: Block, tokens: int) -> None:
        super().__init__(type=kind, source=source)
        self.tokens = tokens


def blocks(file: File) -> list[Block]:
    """Return a file as the model gets it."""
    about = f"{file.name} ({file.media_type}, {amount(len(file.data))})"
    if file.kind == "text":
        return [_text(f"<stagent-file>{about}:\n\n{_read(file.data)}\n</stagent-file>")]
    kind = "image" if file.kind == "image" else "document"
    source = {"type": "base64", "media_type": file.media_type, "data": b64encode(file.data).decode()}
    cost = cost_of(file.kind, file.data) if file.tokens is None else file.tokens
    return [_text(f"<stagent-file>{about}</stagent-file>"), Heavy(kind, source, cost)]


def cost_of(kind: str, data: bytes) -> int:
    """Guess the tokens of a file's contents."""
    match kind:
        case "image":
            return IMAGE_TOKENS
        case "text":
            return estimate(min(len(data), LONGEST_TEXT))
    return max(1, len(PAGE.findall(data))) * PAGE_TOKENS


def omitted(name: str) -> Block:
    """Say that there was a file, in its place."""
    return _text(LEFT_OUT.format(name))


def blocks_with_text(files: Sequence[Block], text: str) -> str | list[Block]:
    """Return the content of a person's message: what came with it first, as models read it best."""
    if not files:
        return text
    return list(files) if is_blank(text) else [*files, _text(text)]


def without_documents(messages: list[Message]) -> list[Message]:
    """Put words in the place of documents, for servers that take none."""
    return [_each(message, lambda block: _text(NO_PDF) if block["type"] == "document" else block)
            for message in messages]  # fmt: skip


def weight(messages: Sequence[Message]) -> int:
    """Return how long messages are for a model, in letters: a picture weighs what it costs, not its bytes."""
    heavy = heavy_in(messages)
    if not heavy:
        return size(messages)
    return size(without_bytes(messages)) + round(sum(map(tokens, heavy)) * CHARS_PER_TOKEN)


def without_bytes(messages: Sequence[Message]) -> list[Message]:
    """Return messages without the contents of pictures and documents."""
    return [_each(message, lambda block: {"type": block["type"]} if block["type"] in HEAVY else block)
            for message in messages]  # fmt: skip


def tokens(block: Block) -> int:
    """Return what a picture or a document costs, as far as that can be guessed."""
    if isinstance(block, Heavy):
        return block.tokens
    if block["type"] == "image":
        return IMAGE_TOKENS
    return cost_of("pdf", b64decode(block["source"]["data"]))


def heavy_in(messages: Iterable[Message]) -> list[Block]:
    """Return the pictures and documents of messages."""
    return [block for message in messages for block in _heavy(message)]


def amount(size: int) -> str:
    """Write a size for people: 12 bytes, 3.4 KB, 1.2 MB."""
    for unit, bytes_each in (("MB", 2**20), ("KB", 2**10)):
        if size >= bytes_each:
            return f"{size / bytes_each:.1f} {unit}".replace(".0 ", " ")
    return f"{size} byte{'' if size == 1 else 's'}"


def _heavy(message: Message) -> list[Block]:
    content = message["content"]
    return [] if isinstance(content, str) else [block for block in content if block["type"] in HEAVY]


def _each(message: Message, change: Any) -> Message:
    if not _heavy(message):
        return message
    return message | {"content": [change(block) for block in message["content"]]}


def _read(data: bytes) -> str:
    text = data.decode("utf-8-sig", "replace").replace("</stagent-", "<\\/stagent-")
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + CUT.format(LONGEST_TEXT, len(text))


def _text(text: str) -> Block:
    return {"type": "text", "text": text}
