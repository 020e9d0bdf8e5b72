"""Standing approval for a schedule's tool: at the API, in the console, and how it ends with the work."""

import pytest
from django.contrib.admin.models import LogEntry

from agents.models import Approval, StandingApproval
from schedules.services import schedule_writer
from schedules.transitions import remove
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule, a_waiting_run
from tests.support.pages import Reader
from tests.support.programs import Program, refusal

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/agents/standingapproval/"


@pytest.fixture
def asked(bob):
    """What an agent of Bob's asks, and its schedule."""
    schedule = a_schedule(clock.now())
    schedule.owner = bob
    schedule.save()
    _, approval = a_waiting_run(schedule, clock.now())
    return schedule, approval


@pytest.fixture
def given(bob, asked):
    schedule, approval = asked
    Program(bob).post(f"/approvals/{approval.pk}/answer", {"decision": "always"})
    return schedule, StandingApproval.objects.get()


def test_a_question_says_where_always_would_hold_and_the_answer_is_listed(bob, asked):
    schedule, approval = asked
    place = f"schedule:{schedule.pk}"
    assert Program(bob).get(f"/approvals/{approval.pk}").json()["always_in"] == place
    told = Program(bob).post(f"/approvals/{approval.pk}/answer", {"decision": "always"}).json()
    assert (told["status"], told["by_standing_approval"]) == ("allowed", False)
    listed = Program(bob).get(f"/standing-approvals?place={place}&tool=send").json()
    assert listed["count"] == 1
    assert listed["items"][0].items() >= {"tool": "send", "place": place, "given_by": "bob"}.items()
    assert Program(bob).get("/standing-approvals?place=schedule:0").json()["count"] == 0


def test_where_a_call_is_asked_about_each_time_always_is_refused(bob, asked):
    _, approval = asked
    Approval.objects.update(place="")
    assert Program(bob).get(f"/approvals/{approval.pk}").json()["always_in"] is None
    answer = Program(bob).post(f"/approvals/{approval.pk}/answer", {"decision": "always"})
    assert refusal(answer) == (422, "validation_error")


def test_it_is_taken_back_by_those_it_is_for(alice, bob, charlie, given):
    _, leave = given
    assert Program(charlie).get("/standing-approvals").json()["count"] == 0
    assert refusal(Program(charlie).delete(f"/standing-approvals/{leave.pk}")) == (
        404,
        "standing_approval_not_found",
    )
    assert refusal(Program(bob).delete("/standing-approvals/x")) == (404, "standing_approval_not_found")
    assert Program(alice).get("/standing-approvals").json()["count"] == 1, "she may answer for all"
    assert Program(bob).delete(f"/standing-approvals/{leave.pk}").status_code == 204
    assert refusal(Program(bob).delete(f"/standing-approvals/{leave.pk}")) == (
        404,
        "standing_approval_not_found",
    )


def test_what_holds_in_a_conversation_is_its_owners_alone(alice, bob, given):
    _, leave = given
    StandingApproval.objects.update(place="conversation:7")
    assert Program(alice).get("/standing-approvals").json()["count"] == 0
    assert refusal(Program(alice).delete(f"/standing-approvals/{leave.pk}")) == (
        404,
        "standing_approval_not_found",
    )
    assert Program(bob).get("/standing-approvals").json()["count"] == 1


@pytest.mark.parametrize("change", [{"prompt": "Send all of it."}, {"profile": "other"}])
def test_it_ends_with_the_work_that_it_was_given_for(given, change):
    schedule, _ = given
    values = {name: a_profile(said) if name == "profile" else said for name, said in change.items()}
    schedule_writer.save(schedule, values, now=clock.now())
    assert not StandingApproval.objects.exists()


def test_it_outlives_what_changes_nothing_of_the_work(given):
    schedule, _ = given
    schedule_writer.save(schedule, {"name": "Other", "interval": "every 7m"}, now=clock.now())
    assert StandingApproval.objects.exists()


def test_it_goes_with_the_schedule(given):
    schedule, _ = given
    remove(schedule.pk, now=clock.now())
    assert not StandingApproval.objects.exists()


def test_the_schedules_page_shows_it_and_takes_it_back(reader, given):
    schedule, leave = given
    page = f"/admin/schedules/schedule/{schedule.pk}/change/"
    assert "Always allowed here" in reader.opens(page)
    assert "send, by bob" in reader.words
    assert f'formaction="{LIST}{leave.pk}/end/"' in reader.html
    assert "Taken back." in reader.presses(f"{LIST}{leave.pk}/end/")
    assert "Always allowed" not in reader.opens(page)
    assert LogEntry.objects.latest("pk").user == reader.user


def test_the_console_lists_it_and_asks_before_it_takes_back(reader, given):
    schedule, leave = given
    assert f"{schedule.name} bob" in reader.opens(LIST)
    chosen = {"action": "take_back", "_selected_action": str(leave.pk)}
    assert "From the next call on a person is asked again." in reader.presses(LIST, **chosen)
    assert StandingApproval.objects.exists()
    assert "Taken back: 1." in reader.presses(LIST, **chosen, sure="1")
    assert not StandingApproval.objects.exists()


def test_strangers_on_the_staff_take_nothing_back(client, bob, given):
    _, leave = given
    StandingApproval.objects.update(user_id=bob.pk + 1000)
    reader = Reader(client, bob)
    reader.presses(f"{LIST}{leave.pk}/end/")
    assert reader.answer.status_code == 404
    reader.opens(LIST)
    assert reader.answer.status_code == 403
    reader.opens(f"{LIST}{leave.pk}/end/")
    assert reader.answer.status_code == 405


def test_a_question_is_allowed_for_good_in_the_console(reader, asked):
    _, approval = asked
    assert "Allow once Always allow" in reader.opens(f"/admin/agents/approval/{approval.pk}/change/")
    told = reader.presses(f"/admin/agents/approval/{approval.pk}/answer/", decision="always")
    assert "send is not asked about there any more." in told
    assert StandingApproval.objects.get().given_by == reader.user
