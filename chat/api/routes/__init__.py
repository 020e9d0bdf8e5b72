"""The routers, one noun each; `stagent.api` mounts what `ROUTERS` lists."""

from chat.api.routes import conversations, messages

ROUTERS = (conversations.router, messages.router)
