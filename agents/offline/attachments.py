"""The files attached to a request, read from its content blocks."""

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from agents.offline.validation import blocks_of
from agents.protocol.media import MEDIA_TYPES, format_size

ANNOUNCED = re.compile(
    r"<stagent-file>(?P<name>.+?) \((?P<kind>[\w.+-]+/[\w.+-]+), [\d.,]+ \w+\)"
    r"(?::\n\n(?P<text>.*)\n)?</stagent-file>",
    re.DOTALL,
)

type Block = dict[str, Any]


@dataclass(frozen=True)
class AttachedFile:
    """A file: name, media type, and its text if it was sent."""

    name: str
    kind: str
    size: int | None  # in bytes; None if the contents were not sent
    text: str = ""

    def __str__(self) -> str:
        size = "contents not sent" if self.size is None else format_size(self.size)
        return f"`{self.name}` ({self.kind}, {size})"


def files(message: dict[str, Any]) -> list[AttachedFile]:
    """Return the files attached to a message."""
    blocks = blocks_of(message)
    following = [*blocks[1:], {"type": "end"}]
    parsed = (_parse_file(block, after) for block, after in zip(blocks, following, strict=True))
    return [file for file in parsed if file]


def _parse_file(block: Block, after: Block) -> AttachedFile | None:
    announced = ANNOUNCED.fullmatch(block["text"]) if block["type"] == "text" else None
    if announced is None:
        return None
    name, kind, text = announced["name"], announced["kind"], announced["text"]
    if text is not None:
        return AttachedFile(name, kind, len(text.encode()), text)
    if after["type"] in MEDIA_TYPES:
        return AttachedFile(name, after["source"]["media_type"], len(b64decode(after["source"]["data"])))
    return AttachedFile(name, kind, None)
