"""Signal receivers: resumes a reply when its approval request is answered."""

from typing import Any

from django.dispatch import receiver

from agents.models import Approval
from agents.signals import approval_answered
from chat.transitions import unpark


@receiver(approval_answered)
def requeue_answered(approval: Approval, **_: Any) -> None:
    """Unpark the reply; the reconciler does it if this call is lost."""
    if approval.message_id is not None:
        unpark(approval.message_id)
