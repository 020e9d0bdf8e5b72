"""Every pair of approval states that is not an arrow is tried and refused."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from agents.approvals import approvals
from agents.approvals.approvals import ApprovalRequest
from agents.models import Approval
from agents.spending.budgets import Spender
from agents.states import APPROVAL_TRANSITIONS, Activity, ApprovalKind, ApprovalStatus
from agents.transcripts import transcript
from stagent.lib.problems import Problem
from tests.support.arrows import picture, targets
from tests.support.builders import NOON

pytestmark = pytest.mark.django_db
IN_TIME, TOO_LATE = NOON + timedelta(seconds=5), NOON + timedelta(days=999)


def approval_with(status: str, kind: ApprovalKind, user: User) -> Approval:
    token = uuid4()
    log = transcript.open_transcript(token)
    spender = Spender(Activity.CHAT_TURN, user_id=user.pk)
    request = ApprovalRequest("c1", "send", {}, kind, "Send it?")
    (approval,) = approvals.request(
        [request], transcript_id=log.pk, token=token, turn=1, spender=spender, now=NOON
    )
    answered = None if status == ApprovalStatus.OPEN else NOON
    Approval.objects.filter(pk=approval.pk).update(status=status, answered_at=answered)
    approval.refresh_from_db()
    return approval


# By the name of the function and the status that it leads to.
ACTS: dict[tuple[str, str], Callable[[Approval, User], object]] = {
    ("answer", "allowed"): lambda one, user: approvals.answer(one.pk, user, "allow", IN_TIME),
    ("answer", "denied"): lambda one, user: approvals.answer(one.pk, user, "deny", IN_TIME),
    ("answer", "answered"): lambda one, user: approvals.answer(one.pk, user, "Blue.", IN_TIME),
    ("answer", "expired"): lambda one, user: approvals.answer(one.pk, user, "deny", TOO_LATE),
    ("expire", "expired"): lambda one, _: approvals.expire(TOO_LATE),
    ("withdraw", "withdrawn"): lambda one, _: approvals.withdraw(one.transcript_id, IN_TIME),
}
WRONG_KIND = {(ApprovalKind.TOOL_CALL, "answered"), (ApprovalKind.QUESTION, "allowed")}


@pytest.mark.parametrize("kind", ApprovalKind)
@pytest.mark.parametrize("act", ACTS, ids=" to ".join)
@pytest.mark.parametrize("status", ApprovalStatus.values)
def test_an_approval_takes_its_arrows_and_no_others(
    alice: User, status: str, act: tuple[str, str], kind: ApprovalKind
) -> None:
    approval = approval_with(status, kind, alice)
    before = picture(Approval)
    with suppress(Problem):  # too late: raised after the status was written
        ACTS[act](approval, alice)
    ends = set() if (kind, act[1]) in WRONG_KIND else targets(APPROVAL_TRANSITIONS, status, *act)
    if ends:
        assert Approval.objects.get().status in ends
    else:
        assert picture(Approval) == before


def test_no_approval_expires_early(alice: User) -> None:
    approval_with(ApprovalStatus.OPEN, ApprovalKind.TOOL_CALL, alice)
    assert approvals.expire(IN_TIME) == 0


def test_every_arrow_is_tried() -> None:
    assert {(name, end) for _, end, name in APPROVAL_TRANSITIONS} == set(ACTS)
