"""Who races over questions: workers that ask, people that answer, and those who call it off."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Q

from agents import conf
from agents.approvals import approvals
from agents.approvals.approvals import ApprovalRequest
from agents.errors import LeaseLost
from agents.models import Approval
from agents.models.approval import ApprovalQuerySet
from agents.states import ApprovalKind
from schedules.dispatch.drain import drain
from schedules.errors import NotAllowed
from schedules.models import Run
from schedules.models.spending import spender
from schedules.services import cancel_run
from schedules.states import RunStatus
from schedules.transitions import Claim, Ending, finish, park
from stagent.lib.problems import Problem
from tests.races.actors import look
from tests.support.racer import Race

PATIENCE = timedelta(seconds=40)  # of the race: less than a second of ours


def asking_worker(race: Race, name: str) -> dict[str, Any]:
    """Claim runs; put each aside once to ask, and end it when it comes back."""
    seen: Counter[str] = Counter()
    while race.on:
        for claimed in drain(look(race), name):
            try:
                seen[_work(claimed, race)] += 1
            except LeaseLost:
                seen["lost"] += 1
        race.breathe()
    return {"parked": 0, "ended": 0, "too early": 0} | seen


def _work(claimed: Claim, race: Race) -> str:
    asked = approvals.by_call_id(claimed.transcript_id)
    if any(approval.is_open for approval in asked.values()):
        return "too early"
    if asked:
        ending = Ending(RunStatus.COMPLETED, result=asked["call_1"].status)
        finish(claimed.run_id, claimed.token, ending, now=race.now())
        return "ended"
    _ask(claimed, race)
    race.breathe(random.choice((0, 0.02)))  # an answer may come before the run is put aside
    park(claimed.run_id, claimed.token, now=race.now())
    return "parked"


def _ask(claimed: Claim, race: Race) -> None:
    account = spender(Run.objects.select_related("schedule").get(pk=claimed.run_id))
    wanted = ApprovalRequest("call_1", "send", {}, ApprovalKind.TOOL_CALL, "Send it?")
    asked_at = race.now() - conf.approval_timeout() + PATIENCE
    where = {"transcript_id": claimed.transcript_id, "token": claimed.token}
    approvals.request([wanted], turn=1, spender=account, now=asked_at, **where)


def answerer(race: Race, name: str, decision: str, everything: bool = False) -> dict[str, Any]:
    """Answer what is open, some of it at the last moment, or else everything; note what each came to."""
    user = User.objects.get(username=name)
    told: dict[int, str] = {}
    while race.on or (everything and not told):
        found = Approval.objects.order_by("pk") if everything else _open(race)
        for pk in found.values_list("pk", flat=True):
            try:
                told[pk] = approvals.answer(pk, user, decision, race.now()).status
            except Problem as problem:
                told[pk] = problem.code
        race.breathe()
    return {"told": told}


def _open(race: Race) -> ApprovalQuerySet:
    """Return what is open; a third of it is left until it is about to expire, a third until it has."""
    late = Q(third=0, expires_at__gt=race.now() + timedelta(seconds=1)) | Q(
        third=1, expires_at__gt=race.now()
    )
    return Approval.objects.open().annotate(third=F("pk") % 3).exclude(late).order_by("?")


def caller_off(race: Race) -> dict[str, int]:
    """Cancel runs while they ask, or wait for the answer."""
    cancelled = 0
    while race.on:
        asking = Run.objects.under_way().order_by("?").values_list("pk", flat=True)
        for run_id in asking[:1]:
            try:
                cancel_run.cancel(run_id, reason="Enough.", now=race.now())
                cancelled += 1
            except NotAllowed:
                continue
        race.breathe(0.03)
    return {"cancelled": cancelled}
