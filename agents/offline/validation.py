"""Validates requests like the real API, so that mistakes of the engine show up here first."""

import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
ROLES = ("user", "assistant", "system")
SOURCES = {"image": ("image/png", "image/jpeg", "image/gif", "image/webp"), "document": ("application/pdf",)}
CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
THINKING = ("thinking", "redacted_thinking")
MISPLACED = {"user": frozenset({"tool_use", *THINKING}), "assistant": frozenset({"tool_result"})}
CHOICES = ("auto", "any", "tool", "none")


class BadRequest(Exception):
    """The request breaks a rule of the Messages API, named in the message."""


def require(condition: object, message: str) -> None:
    if not condition:
        raise BadRequest(message)


def check(body: Any, *, counting: bool) -> None:
    """Validate a request body; counting tokens needs no max_tokens."""
    require(isinstance(body, dict), "The request body must be a JSON object.")
    require(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    if not counting:
        check_max_tokens(body.get("max_tokens"))
    check_messages(body.get("messages"))
    check_tools(body.get("tools") or [])
    check_tool_choice(body)


def check_max_tokens(value: Any) -> None:
    """Accept whole numbers from 0; 0 only warms the cache."""
    require(value is not None, "max_tokens: Field required")
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    require(is_whole and value >= 0, "max_tokens: Input should be a whole number, 0 or more")


def check_messages(messages: Any) -> None:
    """Check roles, content and that every tool call has its result right after it."""
    require(isinstance(messages, list) and messages, "messages: at least one message is required")
    check_each("messages.", messages, check_message)
    turns = [message for message in messages if message["role"] != "system"]
    require(turns and turns[0]["role"] == "user", "messages: first message must use the user role")
    check_ids(turns)
    check_pairs(turns)


def check_ids(messages: list[dict[str, Any]]) -> None:
    """Refuse an id that two calls share."""
    ids = [ident for message in messages for ident in ids_of(message, "tool_use", "id")]
    require(len(set(ids)) == len(ids), "messages: `tool_use` ids must be unique")


def check_each(where: str, items: list[Any], check_one: Callable[[Any], None]) -> None:
    """Check items one by one and add the index to the error."""
    for number, item in enumerate(items):
        try:
            check_one(item)
        except BadRequest as problem:
            raise BadRequest(f"{where}{number}{problem}") from None


def check_message(message: Any) -> None:
    """Check one message's role and blocks."""
    require(isinstance(message, dict), ": Input should be an object")
    require(message.get("role") in ROLES, ".role: Input should be 'user', 'assistant' or 'system'")
    content = message.get("content")
    require(isinstance(content, (str, list)), ".content: Input should be a string or a list")
    require(content, ": content must be non-empty")
    if isinstance(content, list):
        check_each(".content.", content, check_block)
        kinds = [block["type"] for block in content]
        require(kinds[-1] not in THINKING, ": The final block in a message cannot be `thinking`")
        misplaced = MISPLACED.get(message["role"], frozenset()).intersection(kinds)
        require(not misplaced, f": `{'`, `'.join(misplaced)}` blocks cannot be in a message of this role")
    else:
        require(content.strip(), ": text content must contain non-whitespace text")


def check_block(block: Any) -> None:
    """Check known block types; others pass, because the API adds new ones."""
    require(isinstance(block, dict) and isinstance(block.get("type"), str), ".type: Field required")
    kind = block["type"]
    if kind == "text":
        require(isinstance(block.get("text"), str), ".text: Field required")
        require(block["text"], ": text content blocks must be non-empty")
        require(block["text"].strip(), ": text content blocks must contain non-whitespace text")
    if kind == "tool_use":
        check_call(block)
    if kind == "tool_result":
        check_result(block)
    if kind == "thinking":
        require(isinstance(block.get("thinking"), str), ".thinking: Field required")
        require(block.get("signature"), ".signature: Field required")
    if kind in SOURCES:
        check_source(block.get("source"), SOURCES[kind])


def check_call(block: dict[str, Any]) -> None:
    """Check a tool_use block."""
    require(isinstance(block.get("input"), dict), ".input: Input should be an object")
    require(block.get("id") and block.get("name"), ": a tool_use needs an id and a name")
    require(CALL_ID.fullmatch(block["id"]), f".id: String should match pattern '^{CALL_ID.pattern}$'")
    require(TOOL_NAME.fullmatch(block["name"]), f".name: String should match pattern '^{TOOL_NAME.pattern}$'")


def check_result(block: dict[str, Any]) -> None:
    """Check a tool_result block."""
    require(block.get("tool_use_id"), ".tool_use_id: Field required")
    content = block.get("content", "")
    require(isinstance(content, (str, list)), ".content: Input should be a string or a list")
    require(content or not block.get("is_error"), ": content cannot be empty if `is_error` is true")
    if isinstance(content, list):
        check_each(".content.", content, check_block)


def check_source(source: Any, media_types: tuple[str, ...]) -> None:
    """Check the base64 source of an image or document."""
    require(isinstance(source, dict) and source.get("type"), ".source.type: Field required")
    if source["type"] == "base64":
        known = f".source.media_type: Input should be one of {', '.join(media_types)}"
        require(source.get("media_type") in media_types, known)
        require(is_base64(source.get("data")), ".source.data: Input should be base64, and not empty")


def is_base64(data: Any) -> bool:
    """Return whether the data is valid base64 and not empty."""
    try:
        return bool(b64decode(data, validate=True))
    except (TypeError, ValueError):
        return False


def check_pairs(messages: list[dict[str, Any]]) -> None:
    """Refuse a call without a result, and a result without a call."""
    pending: list[str] = []
    for message in merge_roles(messages):
        if message["role"] == "assistant":
            pending = ids_of(message, "tool_use", "id")
            continue
        results = ids_of(message, "tool_result", "tool_use_id")
        first = [block["type"] for block in blocks_of(message)[: len(results)]]
        require(set(first) <= {"tool_result"}, "messages: `tool_result` blocks must come first")
        if results != pending:
            check_answered(pending, results)
        pending = []
    refuse_unanswered(pending)


def check_answered(pending: list[str], results: list[str]) -> None:
    """Compare the ids of calls and results."""
    unknown = [name for name in results if name not in pending]
    require(
        not unknown, f"messages: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(unknown)}"
    )
    refuse_unanswered([name for name in pending if name not in results])
    require(len(set(results)) == len(results), "messages: each tool_use must have a single result")


def refuse_unanswered(ids: list[str]) -> None:
    """Refuse a dangling tool call."""
    if ids:
        listed = ", ".join(ids)
        raise BadRequest(f"messages: `tool_use` ids without `tool_result` blocks immediately after: {listed}")


def merge_roles(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge adjacent messages of the same role, as the API does."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1] = {"role": message["role"], "content": blocks_of(turns[-1]) + blocks_of(message)}
        else:
            turns.append(message)
    return turns


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the content as blocks; a string becomes one text block."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def ids_of(message: dict[str, Any], kind: str, key: str) -> list[str]:
    """Return the ids of the blocks of one type."""
    return [block[key] for block in blocks_of(message) if block["type"] == kind]


def check_tools(tools: Any) -> None:
    """Check the names and schemas of client tools."""
    require(isinstance(tools, list), "tools: Input should be a list")
    check_each("tools.", tools, check_tool)
    names = [tool["name"] for tool in tools]
    require(len(set(names)) == len(names), "tools: Tool names must be unique.")


def check_tool(tool: Any) -> None:
    """Check one tool."""
    require(isinstance(tool, dict), ": Input should be an object")
    name = tool.get("name")
    is_valid = isinstance(name, str) and TOOL_NAME.fullmatch(name)
    require(is_valid, f".name: String should match pattern '^{TOOL_NAME.pattern}$'")
    if tool.get("type", "custom") == "custom":
        require(isinstance(tool.get("input_schema"), dict), ".input_schema: Field required")


def check_tool_choice(body: dict[str, Any]) -> None:
    """Check that the choice is one of four and names a tool that is offered."""
    choice = body.get("tool_choice")
    if choice is None:
        return
    require(isinstance(choice, dict) and choice.get("type") in CHOICES, "tool_choice.type: unknown choice")
    names = [tool["name"] for tool in body.get("tools") or []]
    if choice["type"] == "tool":
        require(choice.get("name") in names, f"Tool '{choice.get('name')}' not found in provided tools")
    if choice["type"] == "any":
        require(names, "tool_choice: may only be specified while providing tools")
