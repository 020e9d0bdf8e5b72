"""Tables: conversations, messages, attachments, shares, the feed. Imports states only."""

from chat.models.attachment import Attachment, Content, MessageAttachment
from chat.models.conversation import Conversation
from chat.models.feed import Feed
from chat.models.message import Message
from chat.models.share import Share

__all__ = ["Attachment", "Content", "Conversation", "Feed", "Message", "MessageAttachment", "Share"]
