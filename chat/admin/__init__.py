"""The chat in the console: conversations, links and latencies, without the texts of messages."""

from chat.admin.conversations import ConversationAdmin
from chat.admin.shares import ShareAdmin
from chat.admin.streams import StreamRecordAdmin

__all__ = ["ConversationAdmin", "ShareAdmin", "StreamRecordAdmin"]
