from chat.models.conversation import Conversation
from chat.models.feed import Feed
from chat.models.message import Message

__all__ = ["Conversation", "Feed", "Message"]
