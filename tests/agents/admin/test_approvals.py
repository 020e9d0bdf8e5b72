"""Questions in the console: on the first page, on the run's, on their own; answered by those they are for."""

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
    """What an agent asks that works for nobody in particular."""
    run, approval = a_waiting_run(now=clock.now())
    Approval.objects.update(card=CARD)
    approval.refresh_from_db()
    return run, approval


def page_of(approval):
    return f"{LIST}{approval.pk}/change/"


def answers(reader, approval, **fields):
    return reader.presses(f"{LIST}{approval.pk}/answer/", **fields)


def test_the_first_page_says_what_needs_an_answer(reader, asked):
    _, approval = asked
    page = reader.opens("/admin/")
    assert "Needs an answer" in page
    assert "Send it to a@b.c?" in page
    assert page_of(approval) in reader.html
    approvals.answer(approval.pk, reader.user, "deny")
    assert "Needs an answer" not in reader.opens("/admin/")


def test_the_queue_lists_who_waits_for_a_person(reader, asked):
    page = reader.opens("/admin/board/")
    assert "Waiting for a person, without a slot and without their time running Nightly report" in page
    assert "1 for a person" in page


def test_a_question_is_shown_with_its_card_and_the_call_word_for_word(reader, asked):
    _, approval = asked
    page = reader.opens(page_of(approval))
    assert "New schedule: Watch <b>" in page  # unescaped by the reader, so it was escaped on the page
    assert "<b>" not in reader.html
    assert "When Every hour" in page
    assert "It meets another." in page
    assert '"to": "a@b.c"' in page
    assert "denied in 23 h without an answer" in page


def test_it_is_allowed_on_the_page_of_the_run_and_the_run_goes_on(reader, asked):
    run, approval = asked
    page = f"/admin/schedules/run/{run.pk}/change/"
    assert "for a person, since" in reader.opens(page)
    assert f'formaction="{LIST}{approval.pk}/answer/"' in reader.html
    assert "Allowed: Send it to a@b.c?" in answers(reader, approval, decision="allow")
    assert Run.objects.get().status == "queued"
    log = LogEntry.objects.get()
    assert (log.user, log.object_id, log.change_message) == (reader.user, str(approval.pk), "Allowed.")
    assert "Allow" not in reader.opens(page).split("Transcript")[0].split("Attempt")[0]


def test_once_it_is_settled_nobody_is_said_to_wait_for_it(reader, asked):
    run, approval = asked
    assert f"Run {run.pk} waits for this" in reader.opens(page_of(approval))
    answers(reader, approval, decision="deny")
    page = reader.opens(page_of(approval))
    assert f"Run {run.pk} asked this" in page
    assert "waits for this" not in page


def test_a_denial_may_say_why(reader, asked):
    _, approval = asked
    answers(reader, approval, decision="deny", text="Not today.")
    approval.refresh_from_db()
    assert (approval.status, approval.answer, approval.answered_by) == ("denied", "Not today.", reader.user)
    assert "Denied by alice: “Not today.”" in reader.opens(page_of(approval))


def test_one_of_the_choices_is_an_answer(reader, asked):
    _, approval = asked
    Approval.objects.update(kind="question", card=CARD | {"choices": ["Red", "Blue"]})
    assert "Red Blue Answer Rather not answer" in reader.opens(page_of(approval))
    answers(reader, approval, choice="Blue", text="")
    assert Approval.objects.get().answer == "Blue"


def test_who_comes_second_is_told_who_was_first(reader, asked):
    _, approval = asked
    bob = User.objects.create_superuser("bob")
    approvals.answer(approval.pk, bob, "deny")
    assert "Denied by bob before: Send it to a@b.c?" in answers(reader, approval, decision="allow")
    assert Approval.objects.get().answered_by == bob


def test_too_late_is_said_and_an_empty_answer_refused(reader, asked):
    _, approval = asked
    assert "Use allow or deny." in answers(reader, approval, decision="perhaps")
    Approval.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert "This request expired" in answers(reader, approval, decision="allow")


def test_strangers_on_the_staff_see_no_questions(client, bob, asked):
    _, approval = asked
    reader = Reader(client, bob)
    assert "Needs an answer" not in reader.opens("/admin/")
    for url in (LIST, page_of(approval)):
        reader.opens(url)
        assert reader.answer.status_code in (403, 404)
    answers(reader, approval, decision="allow")
    assert reader.answer.status_code == 404
    assert "Allow" not in reader.opens(f"/admin/schedules/run/{asked[0].pk}/change/")
    assert Approval.objects.get().is_open


def test_the_person_whose_agent_it_is_sees_theirs(client, bob):
    schedule = a_schedule(clock.now())
    schedule.owner = bob
    schedule.save()
    _, approval = a_waiting_run(schedule, clock.now())
    reader = Reader(client, bob)
    assert "Needs an answer" in reader.opens("/admin/")
    assert "Send it to a@b.c?" in reader.opens(LIST)
    answers(reader, approval, decision="allow")
    assert Approval.objects.get().status == "allowed"


def test_who_may_look_at_all_may_not_answer_by_that(client, bob, asked):
    _, approval = asked
    bob.user_permissions.add(Permission.objects.get(codename="view_approval"))
    reader = Reader(client, bob)
    assert "Send it to a@b.c?" in reader.opens(page_of(approval))
    assert "Deny" not in reader.words
    answers(reader, approval, decision="allow")
    assert reader.answer.status_code == 404


def test_what_is_asked_in_a_conversation_is_not_here_but_for_its_owner(client, reader, bob, asked):
    _, approval = asked
    Approval.objects.update(run_id=None, message_id=7, user_id=bob.pk)
    assert "Send it to a@b.c?" not in reader.opens(LIST)
    reader.opens(page_of(approval))
    assert reader.answer.status_code == 404
    answers(reader, approval, decision="allow")
    assert Approval.objects.get().is_open
    bob.is_staff = True
    bob.save()
    assert "Send it to a@b.c?" in Reader(client, bob).opens(page_of(approval))


def test_answering_takes_a_post(reader, asked):
    _, approval = asked
    reader.opens(f"{LIST}{approval.pk}/answer/")
    assert reader.answer.status_code == 405
