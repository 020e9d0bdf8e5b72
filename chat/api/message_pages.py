"""Pages through the messages of a conversation."""

from django.http import HttpRequest

from chat.api.schemas.messages import MessageRow, message_rows
from chat.api.schemas.requests import MessageFilter
from chat.history.tree import Tree, load
from chat.models import Conversation
from stagent.lib.api.cursors import decode, encode, unknown_cursor
from stagent.lib.api.listing import reject_unknown_parameters
from stagent.lib.api.types import CursorPage


def page(request: HttpRequest, conversation: Conversation, asked: MessageFilter) -> CursorPage[MessageRow]:
    reject_unknown_parameters(request, MessageFilter.model_fields)
    tree, name = Tree.of(conversation.pk), f"messages:{conversation.pk}:{asked.branch}"
    ids = list(tree.nodes) if asked.branch == "all" else tree.branch(conversation.head_id)
    first = asked.offset
    if asked.cursor:
        last = _last(name, asked.cursor, tree)
        ids = ids if last in ids else tree.branch(tree.tip(last))
        first = ids.index(last) + 1
    found = ids[first : first + asked.limit]
    following = encode(name, [found[-1]]) if 0 < asked.limit == len(found) else None
    return CursorPage(items=message_rows(load(found), tree), count=len(ids), next=following)


def _last(name: str, cursor: str, tree: Tree) -> int:
    """Return the last message of the page before; those before it are its ancestors in any case."""
    match decode(name, cursor):
        case [int(last)] if last in tree.nodes:
            return last
    raise unknown_cursor()
