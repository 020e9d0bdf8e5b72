"""Converts the result of a tool call to limited text; content that is not text is described."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from agents.tools.base import ToolError
from agents.tools.invoke import MAX_RESULT_CHARS
from stagent.lib.text import clip

MAX_TEXT_CHARS = 2 * MAX_RESULT_CHARS  # `agents.tools.invoke` cuts it further
MAX_BLOCKS = 200
MAX_LINKS = 5  # linked resources that are read


def links_in(result: Any) -> list[str]:
    """Return the URIs of the first linked resources."""
    links = [str(block.uri) for block in result.content[:MAX_BLOCKS] if block.type == "resource_link"]
    return list(dict.fromkeys(links))[:MAX_LINKS]


def resource_text(result: Any) -> str:
    return _join(_resource(part) for part in result.contents[:MAX_BLOCKS])


def read(result: Any, linked: Sequence[str] = ()) -> str:
    """Return the text of a result and of its links; ToolError if the server marks it as failed."""
    text = _join(chain((_block_text(block) for block in result.content[:MAX_BLOCKS]), linked))
    if (omitted := len(result.content) - MAX_BLOCKS) > 0:
        text += f"\n[{omitted} more parts omitted]"
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False, indent=1)
    if result.is_error:
        raise ToolError(clip(text, MAX_TEXT_CHARS) or "The server reported a failure without a message.")
    return text


def _join(parts: Iterable[str]) -> str:
    cut: list[str] = []
    remaining = MAX_TEXT_CHARS
    for part in parts:
        cut.append(part[:remaining])
        remaining -= len(part)
        if remaining <= 0:
            break
    return "\n\n".join(cut)


def _block_text(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return f"[{block.type}, {block.mime_type}, {_size(block.data)} bytes: not shown]"
        case "resource_link":
            return f"[link to {block.name}: {block.uri}]"
        case "resource":
            return _resource(block.resource)
    return f"[content of unknown type: {block.type}]"


def _resource(resource: Any) -> str:
    if (text := getattr(resource, "text", None)) is not None:
        return f"{resource.uri}\n{text}"
    media_type = resource.mime_type or "no content type"
    return f"[{resource.uri}, {media_type}, {_size(resource.blob)} bytes: not shown]"


def _size(base64: str) -> str:
    return f"{len(base64) * 3 // 4:,}"
