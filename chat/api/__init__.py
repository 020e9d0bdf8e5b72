"""Conversations and messages over HTTP, for their owner only.

`asking` says what comes in and the rows what goes out; `stagent.api` mounts the `routes`.
"""

from chat.api import attachments, choices, conversations, diagnostics, estimate, exports, messages, sharing

PARTS = (conversations, messages, attachments, exports, sharing, choices, estimate, diagnostics)
ROUTERS = tuple(part.router for part in PARTS)
