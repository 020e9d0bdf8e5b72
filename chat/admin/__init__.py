"""The chat in the console: how much is talked and how the answers go; what is said, nobody reads here."""

from chat.admin.conversations import ConversationAdmin
from chat.admin.shares import ShareAdmin
from chat.admin.streams import StreamRecordAdmin

__all__ = ["ConversationAdmin", "ShareAdmin", "StreamRecordAdmin"]
