"""Standing approvals: a tool that a user always allows in one conversation or schedule.

They are created by answering an approval request with "always" and in no other way: no model can create one,
and no tool. One covers one tool with the description it had then, for one user's agent, in one scope, for as
long as the user who gave it is allowed to answer. Each call under it is stored as an allowed approval.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from agents.models import Approval, StandingApproval
from agents.models.approval import ANSWERS_FOR_ALL
from agents.models.standing_approval import CONVERSATION, SCHEDULE
from agents.tools.base import Tool
from stagent.lib.log.audit_log import ADDITION, DELETION, record
from stagent.lib.problems import Problem

SCOPE_NAMES = {CONVERSATION: "this conversation", SCHEDULE: "this schedule"}


def conversation_scope(conversation_id: int) -> str:
    return f"{CONVERSATION}:{conversation_id}"


def schedule_scope(schedule_id: int | None) -> str:
    """Return the scope of a schedule; empty if the schedule was deleted."""
    return "" if schedule_id is None else f"{SCHEDULE}:{schedule_id}"


def describe_scope(scope: str) -> str:
    """Return "this conversation" or "this schedule"."""
    return SCOPE_NAMES[scope.partition(":")[0]]


def tool_digest(tool: Tool) -> str:
    """Return a hash of the tool's description and schema; empty if each call needs its own approval."""
    if tool.asks_each_time or tool.answered_by_person:
        return ""
    definition = json.dumps([tool.name, tool.description, tool.input_schema], sort_keys=True)
    return hashlib.sha256(definition.encode()).hexdigest()


def grant(approval: Approval, user: User, now: datetime) -> StandingApproval:
    """Allow the tool of a request in its scope from now on. Call it in the transaction of the answer."""
    granted, _ = StandingApproval.objects.update_or_create(
        place=approval.place,
        tool=approval.tool,
        user_id=approval.user_id or 0,  # never 0: a request without a user has no scope
        defaults={"fingerprint": approval.fingerprint, "given_by": user, "given_at": now},
    )
    record(user, granted, ADDITION, f"Given with approval {approval.pk}.")
    return granted


def load(scope: str, user_id: int | None) -> dict[tuple[str, str], StandingApproval]:
    """Return the valid standing approvals in a scope for a user's agent, by tool and fingerprint."""
    if not scope or user_id is None:
        return {}
    granted = StandingApproval.objects.filter(place=scope, user_id=user_id).select_related("given_by")
    return {(each.tool, each.fingerprint): each for each in granted if _is_valid(each)}


def revoke(standing_id: int, user: User) -> None:
    """Delete a standing approval; `Problem` 404 if the user has no such standing approval."""
    with transaction.atomic():
        granted = StandingApproval.objects.of(user).select_for_update().filter(pk=standing_id).first()
        if granted is None:
            raise Problem(404, "standing_approval_not_found", "Standing approval not found.")
        record(user, granted, DELETION, "Revoked.")
        granted.delete()


def revoke_all(scopes: Iterable[str]) -> int:
    """Delete all standing approvals in scopes that were deleted or got a new task; return their number."""
    return StandingApproval.objects.filter(place__in=list(scopes)).delete()[0]


def _is_valid(granted: StandingApproval) -> bool:
    """Return whether the user who gave it could still answer: accounts get disabled and lose permissions."""
    user = granted.given_by
    return user.is_active and (user.pk == granted.user_id or user.has_perm(ANSWERS_FOR_ALL))
