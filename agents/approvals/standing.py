"""Standing approval: what a tool may always do in one place, because a person said so when it asked.

It is given with the answer to a question and in no other way; no model can give it, or lead a tool to it. It
holds for one tool as it was described then, for the agent of one person, in one conversation or schedule, as
long as whoever gave it could still answer. Each call under it is kept as a question that was allowed.
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

WHERE = {CONVERSATION: "this conversation", SCHEDULE: "this schedule"}


def in_conversation(number: int) -> str:
    """Name a conversation as a place where leave holds."""
    return f"{CONVERSATION}:{number}"


def in_schedule(number: int | None) -> str:
    """Name a schedule as such a place; none where it is gone."""
    return "" if number is None else f"{SCHEDULE}:{number}"


def scope_of(place: str) -> str:
    """Return the words for a place, for who is there."""
    return WHERE[place.partition(":")[0]]


def tool_digest(tool: Tool) -> str:
    """Tell this tool from one that describes itself otherwise; empty where a person is asked each time."""
    if tool.each_time or tool.answered_by_person:
        return ""
    said = json.dumps([tool.name, tool.description, tool.input_schema], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def grant(approval: Approval, user: User, now: datetime) -> StandingApproval:
    """Let the tool that asked do so always, where it asked. Belongs into the answer's transaction."""
    leave, _ = StandingApproval.objects.update_or_create(
        place=approval.place,
        tool=approval.tool,
        user_id=approval.user_id or 0,  # never: without a person, a tool asks each time
        defaults={"fingerprint": approval.fingerprint, "given_by": user, "given_at": now},
    )
    record(user, leave, ADDITION, f"Asked in question {approval.pk}.")
    return leave


def standing(place: str, user_id: int | None) -> dict[tuple[str, str], StandingApproval]:
    """Return what holds in a place for the agent of a person, by tool and fingerprint."""
    if not place or user_id is None:
        return {}
    given = StandingApproval.objects.filter(place=place, user_id=user_id).select_related("given_by")
    return {(each.tool, each.fingerprint): each for each in given if _could_answer(each)}


def revoke(standing_id: int, user: User) -> None:
    """End standing approval; `Problem` 404 where it is none of theirs or has ended."""
    with transaction.atomic():
        leave = StandingApproval.objects.of(user).select_for_update().filter(pk=standing_id).first()
        if leave is None:
            raise Problem(404, "standing_approval_not_found", "There is no such standing approval.")
        record(user, leave, DELETION, "Taken back.")
        leave.delete()


def revoke_all(places: Iterable[str]) -> int:
    """End what holds in places that are gone, or whose work is another now; return how many there were."""
    return StandingApproval.objects.filter(place__in=list(places)).delete()[0]


def _could_answer(leave: StandingApproval) -> bool:
    """Tell whether who gave it could answer today: people leave, and are let do less."""
    giver = leave.given_by
    return giver.is_active and (giver.pk == leave.user_id or giver.has_perm(ANSWERS_FOR_ALL))
