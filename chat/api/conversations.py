"""/api/conversations"""

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from chat.api import lookups, message_pages, send
from chat.api.schemas.conversations import ConversationRow, conversation_row, conversation_rows
from chat.api.schemas.messages import MessageRow
from chat.api.schemas.requests import (
    ConversationChanges,
    ConversationFilter,
    Fork,
    MessageFilter,
    NewConversation,
    NewMessage,
)
from chat.api.send import SendResult
from chat.conversations import actions, search
from chat.conversations.actions import Change
from chat.transitions import fork
from stagent.lib import clock
from stagent.lib.api.etags import with_version
from stagent.lib.api.listing import paginate
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage
from stagent.lib.api.versions import ExpectedVersions

router = Router(tags=["chat"])


@router.get("/conversations", response=responses(CursorPage[ConversationRow], 422))
def list_conversations(request: HttpRequest, asked: Query[ConversationFilter]) -> CursorPage[ConversationRow]:
    """List your conversations, pinned ones first, then by latest activity. Search titles and messages."""
    words = search.words_of(asked.search or "")
    found = lookups.conversations(lookups.current_user(request)).filter(
        archived_at__isnull=not asked.archived
    )
    if asked.folder:
        found = found.filter(folder=asked.folder)
    if words:
        found = search.narrow(found, words)
    rows = found.order_by("-pinned", "-active_at", "-pk")
    return paginate(
        request, asked, rows, lambda some: conversation_rows(some, search.snippets(list(some), words))
    )


@router.post("/conversations", response=responses(ConversationRow, 400, 422, status=201))
def create_conversation(
    request: HttpRequest, response: HttpResponse, asked: NewConversation
) -> Status[ConversationRow]:
    """Create a conversation. The first message over the socket creates one too."""
    owner, now = lookups.current_user(request), clock.now()
    made = send.begin(owner, asked, now)
    response["Location"] = f"{request.path}/{made.pk}"
    return Status(201, conversation_row(lookups.conversation(owner, str(made.pk))))


@router.get("/conversations/{conversation_id}", response=responses(ConversationRow, 404))
def get_conversation(request: HttpRequest, conversation_id: str) -> ConversationRow:
    """Get a conversation without its messages."""
    found = lookups.conversation(lookups.current_user(request), conversation_id)
    return with_version(request, conversation_row(found), actions.version(found))


@router.patch("/conversations/{conversation_id}", response=responses(ConversationRow, 400, 404, 422))
def update_conversation(
    request: HttpRequest, conversation_id: str, asked: ConversationChanges
) -> ConversationRow:
    """Change title, pin, folder, archive, read state, profile, model or shown branch; all or nothing."""
    owner, given = lookups.current_user(request), asked.model_dump(exclude_unset=True)
    actions.change(
        owner, conversation_id, Change(given), now=clock.now(), expected=ExpectedVersions.of(request)
    )
    found = lookups.conversation(owner, conversation_id)
    return with_version(request, conversation_row(found), actions.version(found))


@router.delete("/conversations/{conversation_id}", response=responses(None, 404, status=204))
def delete_conversation(request: HttpRequest, conversation_id: str) -> Status[None]:
    """Delete a conversation and stop its replies. It can be restored for 30 days."""
    actions.trash(lookups.current_user(request), conversation_id, now=clock.now())
    return Status(204, None)


@router.post("/conversations/{conversation_id}/restore", response=responses(ConversationRow, 404))
def restore_conversation(request: HttpRequest, conversation_id: str) -> ConversationRow:
    """Restore a deleted conversation. Restoring it again changes nothing."""
    owner = lookups.current_user(request)
    actions.restore(owner, conversation_id, now=clock.now())
    return conversation_row(lookups.conversation(owner, conversation_id))


@router.post(
    "/conversations/{conversation_id}/fork",
    response=responses(ConversationRow, 400, 404, 409, 422, status=201),
)
def fork_conversation(
    request: HttpRequest, response: HttpResponse, conversation_id: str, asked: Fork
) -> Status[ConversationRow]:
    """Create a conversation from the branch up to a message, or return an earlier fork without changes."""
    owner = lookups.current_user(request)
    made = fork(owner, conversation_id, asked.message_id, now=clock.now())
    response["Location"] = f"/api/conversations/{made.pk}"
    return Status(201, conversation_row(lookups.conversation(owner, str(made.pk))))


@router.get("/conversations/{conversation_id}/messages", response=responses(CursorPage[MessageRow], 404, 422))
def list_messages(
    request: HttpRequest, conversation_id: str, asked: Query[MessageFilter]
) -> CursorPage[MessageRow]:
    """List the messages of the branch that is shown, oldest first, or of all branches, parents first.

    `next` continues in the same branch, even if another branch is shown by then.
    """
    return message_pages.page(request, lookups.opened(lookups.current_user(request), conversation_id), asked)


@router.post(
    "/conversations/{conversation_id}/messages",
    response=responses(SendResult, 400, 404, 422, 429, status=202),
)
def send_message(request: HttpRequest, conversation_id: str, asked: NewMessage) -> Status[SendResult]:
    """Send a message. It is stored with a pending reply, which runs when earlier replies are finished."""
    return Status(202, send.send(request, conversation_id, asked, clock.now()))
