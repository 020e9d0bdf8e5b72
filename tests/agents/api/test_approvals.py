"""/api/approvals: requests are visible to their users and answered once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from agents.models import Approval
from schedules.models import Run
from stagent.lib import clock
from tests.support.builders import a_schedule, a_waiting_run
from tests.support.programs import Program, refusal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(bob):
    """A waiting run of Bob's schedule, and its request."""
    now = clock.now()
    schedule = a_schedule(now)
    schedule.owner = bob
    schedule.save()
    return a_waiting_run(schedule, now)


def answer(program, approval, decision="allow", **more):
    return program.post(f"/approvals/{approval.pk}/answer", {"decision": decision, **more})


def test_a_request_shows_the_call(bob, asked):
    run, approval = asked
    listed = Program(bob).get("/approvals?status=open").json()
    row = Program(bob).get(f"/approvals/{approval.pk}").json()
    assert (listed["items"], listed["count"]) == ([row], 1)
    assert (row["text"], row["tool"], row["kind"]) == ("Send it to a@b.c?", "send", "tool_call")
    assert (row["arguments"], row["run_id"]) == ({"to": "a@b.c"}, str(run.pk))
    assert (row["status"], row["answered_at"], row["answered_by"]) == ("open", None, None)


def test_the_owner_answers_and_the_run_continues(bob, asked):
    run, approval = asked
    row = answer(Program(bob), approval, text="Go ahead.").json()
    assert (row["status"], row["answered_by"], row["answer"]) == (
        "allowed",
        "bob",
        "Go ahead.",
    )
    assert Program(bob).get(f"/runs/{run.pk}").json()["status"] == "queued"
    assert Program(bob).get("/approvals?status=open").json()["count"] == 0


def test_a_second_answer_returns_the_first(alice, bob, asked):
    _, approval = asked
    first = answer(Program(bob), approval, "deny").json()
    second = answer(Program(alice), approval, "allow").json()
    assert first == second
    assert (second["status"], second["answered_by"]) == ("denied", "bob")


def test_the_answer_permission_covers_all_runs(asked, charlie):
    _, approval = asked
    charlie.user_permissions.add(Permission.objects.get(codename="answer_approval"))
    assert answer(Program(charlie), approval).json()["answered_by"] == "charlie"


def test_requests_of_a_conversation_are_visible_to_its_owner_only(asked, alice, charlie):
    _, approval = asked
    Approval.objects.update(run_id=None, message_id=7)
    charlie.user_permissions.add(Permission.objects.get(codename="answer_approval"))
    for other in (Program(charlie), Program(alice)):
        assert other.get("/approvals").json()["count"] == 0
        assert refusal(other.get(f"/approvals/{approval.pk}")) == (404, "approval_not_found")
        assert refusal(answer(other, approval)) == (404, "approval_not_found")


def test_other_users_see_nothing(charlie, asked):
    _, approval = asked
    program = Program(charlie)
    assert program.get("/approvals").json() == {"items": [], "count": 0, "next": None}
    assert refusal(program.get(f"/approvals/{approval.pk}")) == (404, "approval_not_found")
    assert refusal(answer(program, approval)) == (404, "approval_not_found")
    assert refusal(Program(None).get("/approvals")) == (401, "not_authenticated")
    approval.refresh_from_db()
    assert approval.is_open


@pytest.mark.parametrize("number", ["0", "x", "99999999999999999999", "-1"])
def test_an_invalid_id_is_not_found(alice, number):
    assert refusal(Program(alice).get(f"/approvals/{number}")) == (404, "approval_not_found")
    assert refusal(Program(alice).post(f"/approvals/{number}/answer", {"decision": "deny"}))[0] == 404


@pytest.mark.parametrize("body", [{}, {"decision": "perhaps"}, {"decision": "allow", "more": 1}, None])
def test_an_invalid_decision_is_refused(bob, asked, body):
    _, approval = asked
    assert refusal(Program(bob).post(f"/approvals/{approval.pk}/answer", body))[0] == 422
    assert Approval.objects.get().is_open


def test_a_question_needs_a_text(bob, asked):
    _, approval = asked
    Approval.objects.update(kind="question")
    assert refusal(answer(Program(bob), approval)) == (422, "validation_error")
    answered = answer(Program(bob), approval, text=" The red one. ").json()
    assert (answered["status"], answered["answer"]) == ("answered", "The red one.")


def test_a_late_answer_is_refused_and_the_run_continues(bob, asked):
    run, approval = asked
    Approval.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert refusal(answer(Program(bob), approval)) == (409, "approval_expired")
    assert Approval.objects.get().status == "expired"
    assert Run.objects.get(pk=run.pk).status == "queued"


def test_requests_of_a_cancelled_run_cannot_be_answered(alice, bob, asked):
    run, approval = asked
    assert Program(alice).post(f"/runs/{run.pk}/cancel").json()["status"] == "cancelled"
    assert refusal(answer(Program(bob), approval)) == (409, "approval_withdrawn")


def test_lists_are_filtered(bob, asked):
    run, _ = asked
    program = Program(bob)
    counts = [
        program.get(f"/approvals?{query}").json()["count"]
        for query in (f"run_id={run.pk}", "run_id=x", "kind=question", "message_id=1", "status=allowed")
    ]
    assert counts == [1, 0, 0, 0, 0]
    assert refusal(program.get("/approvals?stat=open"))[0] == 422


def test_waiting_runs_are_listed(alice, asked):
    run, _ = asked
    (row,) = Program(alice).get("/runs?status=waiting").json()["items"]
    assert (row["id"], row["wait_reason"], row["slot"]) == (str(run.pk), None, None)
    assert row["waiting_since"]
