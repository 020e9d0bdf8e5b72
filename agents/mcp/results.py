"""What a server answers to a call, as text: bounded, and whatever is no text is named instead."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from agents.tools.base import ToolError
from agents.tools.invoke import MAX_RESULT_CHARS
from stagent.lib.text import clip

ENOUGH_CHARS = 2 * MAX_RESULT_CHARS  # the rest would be cut off by `calls` anyway
MOST_BLOCKS = 200


MOST_LINKS = 5  # that are read along


def links_in(result: Any) -> list[str]:
    """Return the addresses of the first resources that a result links to."""
    links = [str(block.uri) for block in result.content[:MOST_BLOCKS] if block.type == "resource_link"]
    return list(dict.fromkeys(links))[:MOST_LINKS]


def resource_text(found: Any) -> str:
    """Give the text of a resource that was read."""
    return _joined(_resource(part) for part in found.contents[:MOST_BLOCKS])


def read(result: Any, linked: Sequence[str] = ()) -> str:
    """Give the text of a result and what it links to; ToolError where the server says that it failed."""
    text = _joined(chain((_told(block) for block in result.content[:MOST_BLOCKS]), linked))
    if (left := len(result.content) - MOST_BLOCKS) > 0:
        text += f"\n[{left} more parts were left out]"
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False, indent=1)
    if result.is_error:
        raise ToolError(clip(text, ENOUGH_CHARS) or "The server says that it failed, without saying why.")
    return text


def _joined(parts: Iterable[str]) -> str:
    kept: list[str] = []
    room = ENOUGH_CHARS
    for part in parts:
        kept.append(part[:room])
        room -= len(part)
        if room <= 0:
            break
    return "\n\n".join(kept)


def _told(block: Any) -> str:
    """Tell one part."""
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return f"[{block.type}, {block.mime_type}, {_size(block.data)} bytes: not shown]"
        case "resource_link":
            return f"[a link to {block.name}: {block.uri}]"
        case "resource":
            return _resource(block.resource)
    return f"[a part of a kind that is not known here: {block.type}]"


def _resource(resource: Any) -> str:
    if (text := getattr(resource, "text", None)) is not None:
        return f"{resource.uri}\n{text}"
    kind = resource.mime_type or "of no kind given"
    return f"[{resource.uri}, {kind}, {_size(resource.blob)} bytes: not shown]"


def _size(base64: str) -> str:
    return f"{len(base64) * 3 // 4:,}"
