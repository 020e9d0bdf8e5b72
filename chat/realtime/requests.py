"""The requests of a WebSocket client, parsed strictly; errors name the field."""

import json
from typing import Any

from django.contrib.auth.models import User

from chat import conf
from chat.feed.frames import Frame
from chat.transitions import Accepted, Draft, accept, ask_again, request_stop
from chat.transitions.accept import number
from stagent.lib import clock
from stagent.lib.problems import Problem, invalid
from stagent.lib.text import clip, to_storable

__all__ = ["number", "positions", "read", "retry", "send", "stop"]

TEXTS = ("text", "client_msg_id", "conversation_id", "parent_id", "model", "profile")
REQUIRED = {"client_msg_id"}  # `text` may be missing where a file is sent
MOST_IDS = 100  # attachments in one frame


def read(text: str | None) -> dict[str, Any]:
    """Parse a frame. Raises `Problem`."""
    if text is None:
        raise Problem(400, "bad_frame", "A frame must be JSON text.")
    if len(text.encode("utf-8", "replace")) > conf.MAX_FRAME_BYTES:
        longest = conf.MAX_FRAME_BYTES // 1024
        raise Problem(
            413, "frame_too_large", f"A frame can have at most {longest} KB. Send longer texts over HTTP."
        )
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(400, "bad_frame", "A frame must be a JSON object.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise Problem(400, "bad_frame", 'A frame must be a JSON object with a "type".')
    return frame


def send(user: User, frame: dict[str, Any]) -> Frame:
    """Store a message and its pending reply; return `accepted`."""
    wrong = {name: "Must be text." for name in TEXTS if not _is_text(name, frame.get(name))}
    if not _are_ids(frame.get("attachments")):
        wrong["attachments"] = f"Must be a list of at most {MOST_IDS} ids."
    if wrong:
        raise invalid(wrong)
    draft: dict[str, Any] = {name: frame.get(name) for name in TEXTS}
    draft |= {"text": draft["text"] or "", "attachments": frame.get("attachments") or ()}
    return _accepted(accept(user, Draft(**draft), now=clock.now()))


def retry(user: User, frame: dict[str, Any]) -> Frame:
    """Ask for another reply to the same message."""
    again = ask_again(user, str(frame.get("message_id", "")), now=clock.now())
    return _accepted(again) | {"client_msg_id": frame.get("client_msg_id")}


def stop(user: User, frame: dict[str, Any]) -> None:
    """Request that a reply stops; the event log has its end."""
    request_stop(user, str(frame.get("message_id", "")), now=clock.now())


def positions(frame: dict[str, Any]) -> dict[str, int]:
    """Return the `seq` seen of each reply, by message id; unknown ids are ignored."""
    seen = frame.get("positions")
    if seen is None:
        return {}
    if not isinstance(seen, dict):
        raise invalid({"positions": "Must be an object of message ids and numbers."})
    wrong = {
        f"positions.{clip(key, 40)}": "Must be a whole number." for key in seen if not _is_seq(seen[key])
    }
    if wrong:
        raise invalid(wrong)
    return seen


def _accepted(accepted: Accepted) -> Frame:
    return {
        "type": "accepted",
        "client_msg_id": accepted.client_msg_id,
        "conversation_id": str(accepted.conversation_id),
        "message_id": str(accepted.message_id),
        "reply_id": str(accepted.reply_id),
        "duplicate": accepted.duplicate,
    }


def _is_seq(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_ids(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) <= MOST_IDS and all(isinstance(each, str) for each in value)
    )


def _is_text(name: str, value: Any) -> bool:
    """Return whether a value is text that can be stored; `text` is cleaned before it is stored."""
    if isinstance(value, str):
        return name == "text" or to_storable(value) == value
    return value is None and name not in REQUIRED
