"""What a client may ask for over the socket, read strictly; every fault names its field."""

import json
from typing import Any

from django.contrib.auth.models import User

from chat import conf
from chat.feed.frames import Frame
from chat.transitions import Accepted, Draft, accept, ask_again, request_stop
from chat.transitions.accept import number
from stagent.lib import clock
from stagent.lib.problems import Problem, invalid
from stagent.lib.text import clip, storable

__all__ = ["number", "positions", "read", "retry", "send", "stop"]

TEXTS = ("text", "client_msg_id", "conversation_id", "parent_id", "model", "profile")
NEEDED = {"client_msg_id"}  # of words there need be none where a file is sent
MOST_IDS = 100  # that are read at all


def read(text: str | None) -> dict[str, Any]:
    """Read a frame; raises a Problem that says what is wrong with it."""
    if text is None:
        raise Problem(400, "bad_frame", "Frames are JSON text.")
    if len(text.encode("utf-8", "replace")) > conf.MAX_FRAME_BYTES:
        longest = conf.MAX_FRAME_BYTES // 1024
        raise Problem(413, "frame_too_large", f"At most {longest} KB; send longer texts over HTTP.")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(400, "bad_frame", "Frames are JSON objects; this is none.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise Problem(400, "bad_frame", 'Frames are JSON objects with a "type".')
    return frame


def send(user: User, frame: dict[str, Any]) -> Frame:
    """Store a message; answers `accepted` when it is stored, together with the place of its reply."""
    wrong = {name: "A text is expected." for name in TEXTS if not _is_text(name, frame.get(name))}
    if not _are_ids(frame.get("attachments")):
        wrong["attachments"] = "A list of ids is expected."
    if wrong:
        raise invalid(wrong)
    said: dict[str, Any] = {name: frame.get(name) for name in TEXTS}
    said |= {"text": said["text"] or "", "attachments": frame.get("attachments") or ()}
    return _accepted(accept(user, Draft(**said), now=clock.now()))


def retry(user: User, frame: dict[str, Any]) -> Frame:
    """Place another reply beside an earlier one."""
    again = ask_again(user, str(frame.get("message_id", "")), now=clock.now())
    return _accepted(again) | {"client_msg_id": frame.get("client_msg_id")}


def stop(user: User, frame: dict[str, Any]) -> None:
    """Ask for the end of a reply; what comes of it, everybody sees in its log."""
    request_stop(user, str(frame.get("message_id", "")), now=clock.now())


def positions(frame: dict[str, Any]) -> dict[str, int]:
    """Return what a client has seen of which replies; an id that is none of its own is no fault."""
    said = frame.get("positions")
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise invalid({"positions": "An object of message ids and numbers is expected."})
    wrong = {
        f"positions.{clip(key, 40)}": "A whole number is expected." for key in said if not _is_seq(said[key])
    }
    if wrong:
        raise invalid(wrong)
    return said


def _accepted(place: Accepted) -> Frame:
    return {
        "type": "accepted",
        "client_msg_id": place.client_msg_id,
        "conversation_id": str(place.conversation_id),
        "message_id": str(place.message_id),
        "reply_id": str(place.reply_id),
        "duplicate": place.duplicate,
    }


def _is_seq(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_ids(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) <= MOST_IDS and all(isinstance(each, str) for each in value)
    )


def _is_text(name: str, value: Any) -> bool:
    """Tell whether it can be stored as it is; of what a person wrote, all but that is stored."""
    if isinstance(value, str):
        return name == "text" or storable(value) == value
    return value is None and name not in NEEDED
