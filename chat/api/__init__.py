"""The HTTP API of the chat, for the owner only. `schemas` has the bodies; `stagent.api` mounts `ROUTERS`."""

from chat.api import attachments, choices, conversations, diagnostics, estimate, exports, messages, sharing

PARTS = (conversations, messages, attachments, exports, sharing, choices, estimate, diagnostics)
ROUTERS = tuple(part.router for part in PARTS)
