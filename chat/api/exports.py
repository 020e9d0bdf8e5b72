"""Exports a conversation as a streamed file, so a long one does not fill the memory."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from ninja import Query, Router

from chat.api import lookups
from chat.api.schemas.conversations import EXAMPLE as CONVERSATION
from chat.api.schemas.conversations import conversation_row
from chat.api.schemas.messages import EXAMPLE as MESSAGE
from chat.api.schemas.messages import message_rows
from chat.conversations import export
from chat.history.tree import Tree
from chat.models import Conversation
from stagent.lib import clock
from stagent.lib.api.listing import reject_unknown_parameters
from stagent.lib.api.responses import ErrorResponse
from stagent.lib.db.async_db import db_sync_to_async

KINDS = {"md": "text/markdown; charset=utf-8", "json": "application/json"}


def download(
    request: HttpRequest, conversation: Conversation, kind: str, now: datetime
) -> StreamingHttpResponse:
    """Return the response that streams the file."""
    pieces = export.markdown(conversation, now) if kind == "md" else _json(conversation, now)
    body: Any = _awaited(pieces) if isinstance(request, ASGIRequest) else pieces
    name = export.file_name(conversation, kind)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    headers = {"Content-Disposition": str(disposition)}
    return StreamingHttpResponse(body, content_type=KINDS[kind], headers=headers)


def _json(conversation: Conversation, now: datetime) -> Iterator[str]:
    """Yield the whole tree as JSON; each message as the API serializes it."""
    tree = Tree.of(conversation.pk)
    yield f'{{"exported_at": "{now.isoformat()}",\n'
    yield f'"conversation": {conversation_row(conversation).model_dump_json()},\n"messages": ['
    before = "\n"
    for messages in export.batches(list(tree.nodes)):
        for row in message_rows(messages, tree):
            yield before + row.model_dump_json()
            before = ",\n"
    yield "\n]}\n"


async def _awaited(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Read each piece on a database thread; the server would else read all of them first."""
    while (piece := await db_sync_to_async(next, pieces, None)) is not None:
        yield piece


router = Router(tags=["chat"])

ROW = "#/components/schemas/{}"
TREE: Any = {
    "type": "object",
    "required": ["exported_at", "conversation", "messages"],
    "properties": {
        "exported_at": {"type": "string", "format": "date-time"},
        "conversation": {"$ref": ROW.format("ConversationRow")},
        "messages": {"type": "array", "items": {"$ref": ROW.format("MessageRow")}},
    },
    "example": {"exported_at": "2026-11-24T09:15:00Z", "conversation": CONVERSATION, "messages": [MESSAGE]},
}
FILE: Any = {
    "responses": {
        200: {
            "description": "The exported file.",
            "content": {
                KINDS["md"].partition(";")[0]: {"schema": {"type": "string"}},
                KINDS["json"]: {"schema": TREE},
            },
        }
    }
}


@router.get(
    "/conversations/{conversation_id}/export",
    response=dict.fromkeys((401, 403, 404, 422), ErrorResponse),
    openapi_extra=FILE,
)
def export_conversation(
    request: HttpRequest,
    conversation_id: str,
    kind: Annotated[Literal["md", "json"], Query(alias="format")] = "md",
) -> Any:
    """Download a conversation: the branch that is shown as Markdown, or the whole tree as JSON."""
    reject_unknown_parameters(request, ("format",))
    found = lookups.opened(lookups.current_user(request), conversation_id)
    return download(request, found, kind, clock.now())
