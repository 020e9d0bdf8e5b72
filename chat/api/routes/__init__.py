"""The routers, one noun each; `stagent.api` mounts what `ROUTERS` lists."""

from chat.api.routes import (
    attachments,
    conversations,
    diagnostics,
    exports,
    messages,
    outlook,
    pickers,
    sharing,
)

PARTS = (conversations, messages, attachments, exports, sharing, pickers, outlook, diagnostics)
ROUTERS = tuple(part.router for part in PARTS)
