"""A whole conversation as a file: streamed, so that its length does not matter to anybody else."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from chat import export
from chat.api.conversation_rows import conversation_row
from chat.api.message_rows import message_rows
from chat.branches import Tree
from chat.models import Conversation
from stagent.lib.db.from_async import in_database

KINDS = {"md": "text/markdown; charset=utf-8", "json": "application/json"}


def download(
    request: HttpRequest, conversation: Conversation, kind: str, now: datetime
) -> StreamingHttpResponse:
    """Return a file to keep."""
    pieces = export.markdown(conversation, now) if kind == "md" else _json(conversation, now)
    body: Any = _awaited(pieces) if isinstance(request, ASGIRequest) else pieces
    name = export.file_name(conversation, kind)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    headers = {"Content-Disposition": str(disposition)}
    return StreamingHttpResponse(body, content_type=KINDS[kind], headers=headers)


def _json(conversation: Conversation, now: datetime) -> Iterator[str]:
    """Yield the tree with all its branches, every message as the API shows it."""
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
    """Read each piece where the database is asked, so that the server does not read all of them first."""
    while (piece := await in_database(next, pieces, None)) is not None:
        yield piece
