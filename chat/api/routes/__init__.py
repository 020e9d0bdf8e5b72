"""The routers, one noun each; `stagent.api` mounts what `ROUTERS` lists."""

from chat.api.routes import conversations, diagnostics, exports, messages, outlook, pickers, sharing

ROUTERS = tuple(
    part.router for part in (conversations, messages, exports, sharing, pickers, outlook, diagnostics)
)
