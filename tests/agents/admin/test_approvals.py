"""Approvals in the console: on the dashboard, on the page of the run, and on their own page."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from agents.approvals import approvals
from agents.models import Approval
from schedules.models import Run
from stagent.lib import clock
from tests.support.builders import a_schedule, a_waiting_run
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/agents/approval/"
CARD = {
    "title": "New schedule: Watch <b>",
    "lines": [{"label": "When", "value": "Every hour"}],
    "warnings": ["It meets another."],
}


@pytest.fixture
def asked():
    """A waiting run without an owner, and its request."""
    run, approval = a_waiting_run(now=clock.now())
    Approval.objects.update(card=CARD)
    approval.refresh_from_db()
    return run, approval


def page_of(approval):
    return f"{LIST}{approval.pk}/change/"


def answer(reader, approval, **fields):
    return reader.presses(f"{LIST}{approval.pk}/answer/", **fields)


def test_the_dashboard_lists_open_requests(reader, asked):
    _, approval = asked
    page = reader.opens("/admin/")
    assert "Needs an answer" in page
    assert "Send it to a@b.c?" in page
    assert page_of(approval) in reader.html
    approvals.answer(approval.pk, reader.user, "deny")
    assert "Needs an answer" not in reader.opens("/admin/")


def test_the_queue_lists_runs_that_wait_for_a_person(reader, asked):
    page = reader.opens("/admin/board/")
    assert "Waiting for an answer (no slot held) Nightly report" in page
    assert "1 for approval" in page


def test_a_request_is_shown_with_its_card_and_arguments(reader, asked):
    _, approval = asked
    page = reader.opens(page_of(approval))
    assert "New schedule: Watch <b>" in page  # unescaped by the reader, so it was escaped on the page
    assert "<b>" not in reader.html
    assert "When Every hour" in page
    assert "It meets another." in page
    assert '"to": "a@b.c"' in page
    assert "expires in 23 h" in page


def test_it_is_allowed_on_the_page_of_the_run_and_the_run_continues(reader, asked):
    run, approval = asked
    page = f"/admin/schedules/run/{run.pk}/change/"
    assert "for an answer since" in reader.opens(page)
    assert f'formaction="{LIST}{approval.pk}/answer/"' in reader.html
    assert "Allowed: Send it to a@b.c?" in answer(reader, approval, decision="allow")
    assert Run.objects.get().status == "queued"
    log = LogEntry.objects.get()
    assert (log.user, log.object_id, log.change_message) == (reader.user, str(approval.pk), "Allowed.")
    assert "Allow" not in reader.opens(page).split("Transcript")[0].split("Attempt")[0]


def test_after_the_answer_the_run_is_no_longer_paused(reader, asked):
    run, approval = asked
    assert f"Run {run.pk} is paused until this is answered" in reader.opens(page_of(approval))
    answer(reader, approval, decision="deny")
    page = reader.opens(page_of(approval))
    assert f"Run {run.pk} asked this" in page
    assert "is paused until" not in page


def test_a_denial_can_have_a_reason(reader, asked):
    _, approval = asked
    answer(reader, approval, decision="deny", text="Not today.")
    approval.refresh_from_db()
    assert (approval.status, approval.answer, approval.answered_by) == ("denied", "Not today.", reader.user)
    assert "Denied by alice: “Not today.”" in reader.opens(page_of(approval))


def test_one_of_the_choices_is_an_answer(reader, asked):
    _, approval = asked
    Approval.objects.update(kind="question", card=CARD | {"choices": ["Red", "Blue"]})
    assert "Red Blue Answer Decline" in reader.opens(page_of(approval))
    answer(reader, approval, choice="Blue", text="")
    assert Approval.objects.get().answer == "Blue"


def test_a_second_answer_reports_the_first(reader, asked):
    _, approval = asked
    bob = User.objects.create_superuser("bob")
    approvals.answer(approval.pk, bob, "deny")
    assert "Already answered. Denied by bob: Send it to a@b.c?" in answer(reader, approval, decision="allow")
    assert Approval.objects.get().answered_by == bob


def test_an_unknown_decision_and_a_late_answer_are_refused(reader, asked):
    _, approval = asked
    assert "Use allow or deny." in answer(reader, approval, decision="perhaps")
    Approval.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert "This request expired" in answer(reader, approval, decision="allow")


def test_other_staff_see_no_requests(client, bob, asked):
    _, approval = asked
    reader = Reader(client, bob)
    assert "Needs an answer" not in reader.opens("/admin/")
    for url in (LIST, page_of(approval)):
        reader.opens(url)
        assert reader.answer.status_code in (403, 404)
    answer(reader, approval, decision="allow")
    assert reader.answer.status_code == 404
    assert "Allow" not in reader.opens(f"/admin/schedules/run/{asked[0].pk}/change/")
    assert Approval.objects.get().is_open


def test_users_see_the_requests_of_their_own_agents(client, bob):
    schedule = a_schedule(clock.now())
    schedule.owner = bob
    schedule.save()
    _, approval = a_waiting_run(schedule, clock.now())
    reader = Reader(client, bob)
    assert "Needs an answer" in reader.opens("/admin/")
    assert "Send it to a@b.c?" in reader.opens(LIST)
    answer(reader, approval, decision="allow")
    assert Approval.objects.get().status == "allowed"


def test_the_view_permission_does_not_allow_answering(client, bob, asked):
    _, approval = asked
    bob.user_permissions.add(Permission.objects.get(codename="view_approval"))
    reader = Reader(client, bob)
    assert "Send it to a@b.c?" in reader.opens(page_of(approval))
    assert "Decline" not in reader.words
    answer(reader, approval, decision="allow")
    assert reader.answer.status_code == 404


def test_a_request_of_a_conversation_is_visible_to_its_owner_only(client, reader, bob, asked):
    _, approval = asked
    Approval.objects.update(run_id=None, message_id=7, user_id=bob.pk)
    assert "Send it to a@b.c?" not in reader.opens(LIST)
    reader.opens(page_of(approval))
    assert reader.answer.status_code == 404
    answer(reader, approval, decision="allow")
    assert Approval.objects.get().is_open
    bob.is_staff = True
    bob.save()
    assert "Send it to a@b.c?" in Reader(client, bob).opens(page_of(approval))


def test_answering_needs_a_post(reader, asked):
    _, approval = asked
    reader.opens(f"{LIST}{approval.pk}/answer/")
    assert reader.answer.status_code == 405
