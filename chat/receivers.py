"""What the chat does about news from the agents: a question of a reply was answered, so the reply goes on."""

from typing import Any

from django.dispatch import receiver

from agents.models import Approval
from agents.signals import approval_answered
from chat.transitions import unpark


@receiver(approval_answered)
def requeue_answered(approval: Approval, **_: Any) -> None:
    """Let the desk go on with the reply that asked; the reconciler does it if this is lost."""
    if approval.message_id is not None:
        unpark(approval.message_id)
