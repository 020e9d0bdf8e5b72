"""/api/conversations/{id}/export"""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router

from chat.api import finding
from chat.api.conversation_rows import EXAMPLE as CONVERSATION
from chat.api.exporting import KINDS, download
from chat.api.message_rows import EXAMPLE as MESSAGE
from stagent.lib import clock
from stagent.lib.api.answers import Refusal
from stagent.lib.api.listing import refuse_unknown

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
            "description": "A file to keep.",
            "content": {
                KINDS["md"].partition(";")[0]: {"schema": {"type": "string"}},
                KINDS["json"]: {"schema": TREE},
            },
        }
    }
}


@router.get(
    "/conversations/{conversation_id}/export",
    response=dict.fromkeys((401, 403, 404, 422), Refusal),
    openapi_extra=FILE,
)
def export_conversation(
    request: HttpRequest,
    conversation_id: str,
    kind: Annotated[Literal["md", "json"], Query(alias="format")] = "md",
) -> Any:
    """Download a conversation: the branch that is shown as Markdown, or the whole tree as JSON."""
    refuse_unknown(request, ("format",))
    found = finding.opened(finding.me(request), conversation_id)
    return download(request, found, kind, clock.now())
