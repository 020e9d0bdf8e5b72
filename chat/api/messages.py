"""/api/messages"""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import ConfigDict

from agents.transcripts import transcript
from chat.api import lookups, send
from chat.api.schemas.messages import MessageRow, message_row
from chat.api.send import SendResult
from chat.feed.frames import frame_of
from chat.models import Message
from chat.transitions import request_stop
from chat.worker.reconcile import finalise_stale
from stagent.lib import clock
from stagent.lib.api.listing import MAX_ROWS, reject_unknown_parameters
from stagent.lib.api.responses import responses
from stagent.lib.api.types import Page

router = Router(tags=["chat"])
FRAMES: Any = {
    "items": [{"type": "delta", "message_id": "84", "seq": 7, "text": "Two runs failed."}],
    "count": 1, "finished": False,
}  # fmt: skip


class FramePage(Page[dict[str, Any]]):
    """The frames after `after`, each with `type`, `message_id` and `seq`; `count` is their number."""

    model_config = ConfigDict(json_schema_extra={"example": FRAMES})

    finished: bool


@router.get("/messages/{message_id}", response=responses(MessageRow, 404))
def get_message(request: HttpRequest, message_id: str) -> MessageRow:
    """Get a message. A reply whose worker is gone is finalised first."""
    return message_row(_current(request, message_id))


@router.get("/messages/{message_id}/events", response=responses(FramePage, 404, 422))
def list_message_events(
    request: HttpRequest,
    message_id: str,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=0, le=MAX_ROWS)] = MAX_ROWS,
) -> FramePage:
    """List the frames of a reply, numbered without gaps from 1. Repeat with the last `seq` as `after`."""
    reject_unknown_parameters(request, ("after", "limit"))
    message = _current(request, message_id)
    log = message.transcript if message.run_id is None else None
    if log is None:  # a user's message, or a run's result, whose log belongs to the run
        return FramePage(items=[], count=0, finished=message.finished)
    events = transcript.read(log.pk, after, limit)
    items = [frame_of(message.pk, event.seq, event.kind, event.data) for event in events]
    last = max([log.last_seq, *(event.seq for event in events)])  # the log may have grown since the query
    return FramePage(items=items, count=max(0, last - after), finished=message.finished)


@router.post("/messages/{message_id}/stop", response=responses(MessageRow, 404, 422, status=202))
def stop_message(request: HttpRequest, message_id: str) -> Status[MessageRow]:
    """Request that a reply stops; its text so far stays. A finished reply does not change."""
    owner = lookups.current_user(request)
    request_stop(owner, message_id, now=clock.now())
    return Status(202, message_row(lookups.message(owner, message_id)))


@router.post("/messages/{message_id}/retry", response=responses(SendResult, 404, 409, 422, 429, status=202))
def retry_message(request: HttpRequest, message_id: str) -> Status[SendResult]:
    """Create another reply to the same message, as a new branch. The earlier reply stays."""
    return Status(202, send.again(lookups.current_user(request), message_id, clock.now()))


def _current(request: HttpRequest, message_id: str) -> Message:
    """Return a message, after finalising the replies of its conversation whose worker is gone."""
    owner = lookups.current_user(request)
    found = lookups.message(owner, message_id)
    if found.finished or not finalise_stale(clock.now(), found.conversation_id):
        return found
    return lookups.message(owner, message_id)
