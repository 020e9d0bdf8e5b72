"""Standing approvals of a schedule: API, console, and how they end with changes of the schedule."""

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
    """A schedule of Bob and the request of its run."""
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


def test_an_approval_names_its_scope_and_always_is_listed(bob, asked):
    schedule, approval = asked
    place = f"schedule:{schedule.pk}"
    assert Program(bob).get(f"/approvals/{approval.pk}").json()["always_in"] == place
    answer = Program(bob).post(f"/approvals/{approval.pk}/answer", {"decision": "always"}).json()
    assert (answer["status"], answer["by_standing_approval"]) == ("allowed", False)
    listed = Program(bob).get(f"/standing-approvals?place={place}&tool=send").json()
    assert listed["count"] == 1
    assert listed["items"][0].items() >= {"tool": "send", "place": place, "given_by": "bob"}.items()
    assert Program(bob).get("/standing-approvals?place=schedule:0").json()["count"] == 0


def test_always_is_refused_without_a_scope(bob, asked):
    _, approval = asked
    Approval.objects.update(place="")
    assert Program(bob).get(f"/approvals/{approval.pk}").json()["always_in"] is None
    answer = Program(bob).post(f"/approvals/{approval.pk}/answer", {"decision": "always"})
    assert refusal(answer) == (422, "validation_error")


def test_it_is_revoked_by_its_users(alice, bob, charlie, given):
    _, granted = given
    assert Program(charlie).get("/standing-approvals").json()["count"] == 0
    assert refusal(Program(charlie).delete(f"/standing-approvals/{granted.pk}")) == (
        404,
        "standing_approval_not_found",
    )
    assert refusal(Program(bob).delete("/standing-approvals/x")) == (404, "standing_approval_not_found")
    assert Program(alice).get("/standing-approvals").json()["count"] == 1, "she can answer for all"
    assert Program(bob).delete(f"/standing-approvals/{granted.pk}").status_code == 204
    assert refusal(Program(bob).delete(f"/standing-approvals/{granted.pk}")) == (
        404,
        "standing_approval_not_found",
    )


def test_in_a_conversation_it_is_visible_to_the_owner_only(alice, bob, given):
    _, granted = given
    StandingApproval.objects.update(place="conversation:7")
    assert Program(alice).get("/standing-approvals").json()["count"] == 0
    assert refusal(Program(alice).delete(f"/standing-approvals/{granted.pk}")) == (
        404,
        "standing_approval_not_found",
    )
    assert Program(bob).get("/standing-approvals").json()["count"] == 1


@pytest.mark.parametrize("change", [{"prompt": "Send all of it."}, {"profile": "other"}])
def test_it_ends_when_the_prompt_or_profile_changes(given, change):
    schedule, _ = given
    values = {name: a_profile(value) if name == "profile" else value for name, value in change.items()}
    schedule_writer.save(schedule, values, now=clock.now())
    assert not StandingApproval.objects.exists()


def test_other_changes_do_not_end_it(given):
    schedule, _ = given
    schedule_writer.save(schedule, {"name": "Other", "interval": "every 7m"}, now=clock.now())
    assert StandingApproval.objects.exists()


def test_it_is_deleted_with_the_schedule(given):
    schedule, _ = given
    remove(schedule.pk, now=clock.now())
    assert not StandingApproval.objects.exists()


def test_the_page_of_the_schedule_shows_and_revokes_it(reader, given):
    schedule, granted = given
    page = f"/admin/schedules/schedule/{schedule.pk}/change/"
    assert "Standing approvals apply" in reader.opens(page)
    assert "send, by bob" in reader.words
    assert f'formaction="{LIST}{granted.pk}/end/"' in reader.html
    assert "Revoked." in reader.presses(f"{LIST}{granted.pk}/end/")
    assert "Always allowed" not in reader.opens(page)
    assert LogEntry.objects.latest("pk").user == reader.user


def test_the_console_lists_it_and_asks_before_revoking(reader, given):
    schedule, granted = given
    assert f"{schedule.name} bob" in reader.opens(LIST)
    chosen = {"action": "revoke", "_selected_action": str(granted.pk)}
    assert "The next call asks a person again." in reader.presses(LIST, **chosen)
    assert StandingApproval.objects.exists()
    assert "Revoked: 1." in reader.presses(LIST, **chosen, confirmed="1")
    assert not StandingApproval.objects.exists()


def test_other_staff_cannot_revoke_it(client, bob, given):
    _, granted = given
    StandingApproval.objects.update(user_id=bob.pk + 1000)
    reader = Reader(client, bob)
    reader.presses(f"{LIST}{granted.pk}/end/")
    assert reader.answer.status_code == 404
    reader.opens(LIST)
    assert reader.answer.status_code == 403
    reader.opens(f"{LIST}{granted.pk}/end/")
    assert reader.answer.status_code == 405


def test_a_request_is_always_allowed_in_the_console(reader, asked):
    _, approval = asked
    assert "Allow once Always allow" in reader.opens(f"/admin/agents/approval/{approval.pk}/change/")
    answer = reader.presses(f"/admin/agents/approval/{approval.pk}/answer/", decision="always")
    assert "send will not ask again here." in answer
    assert StandingApproval.objects.get().given_by == reader.user
