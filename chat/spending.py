"""The spender to whom a reply is charged."""

from agents.spending.budgets import Spender
from agents.states import Activity
from chat.models import Message


def spender(reply: Message) -> Spender:
    return Spender(activity=Activity.CHAT_TURN, message_id=reply.pk, user_id=reply.conversation.owner_id)
