"""The files that came with a request: read from its blocks, as a model with eyes would see them."""

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from agents.offline.validation import blocks_of
from agents.protocol.media import HEAVY, amount

ANNOUNCED = re.compile(
    r"<stagent-file>(?P<name>.+?) \((?P<kind>[\w.+-]+/[\w.+-]+), [\d.,]+ \w+\)"
    r"(?::\n\n(?P<text>.*)\n)?</stagent-file>",
    re.DOTALL,
)

type Block = dict[str, Any]


@dataclass(frozen=True)
class AttachedFile:
    """A file: what it is called, and what of it came along."""

    name: str
    kind: str
    size: int | None  # of its contents, in bytes; None where they did not come
    text: str = ""

    def __str__(self) -> str:
        how = "whose contents did not come along" if self.size is None else amount(self.size)
        return f"`{self.name}` ({self.kind}, {how})"


def files(message: dict[str, Any]) -> list[AttachedFile]:
    """Return the files that came with a message."""
    blocks = blocks_of(message)
    following = [*blocks[1:], {"type": "end"}]
    found = (_given(block, after) for block, after in zip(blocks, following, strict=True))
    return [given for given in found if given]


def _given(block: Block, after: Block) -> AttachedFile | None:
    announced = ANNOUNCED.fullmatch(block["text"]) if block["type"] == "text" else None
    if announced is None:
        return None
    name, kind, text = announced["name"], announced["kind"], announced["text"]
    if text is not None:
        return AttachedFile(name, kind, len(text.encode()), text)
    if after["type"] in HEAVY:
        return AttachedFile(name, after["source"]["media_type"], len(b64decode(after["source"]["data"])))
    return AttachedFile(name, kind, None)
