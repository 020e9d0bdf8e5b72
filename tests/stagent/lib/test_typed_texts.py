"""What somebody types is stored whole or refused with one sentence at every door, and no page loses it."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from agents.approvals import approvals
from agents.models import Approval, Profile
from agents.protocol.reply import is_empty, join_text
from agents.tools import registry
from agents.tools.base import ToolContext, ToolError
from agents.tools.schema_check import check
from chat.models import Conversation
from schedules.models import Firing, Pool, Run, Schedule
from schedules.models.schedule import LONGEST_REASON
from stagent.lib import clock
from stagent.lib.problems import Problem
from tests.support.builders import a_profile, a_running_run, a_schedule, a_scheduler, a_waiting_run
from tests.support.programs import Program
from tests.support.talking import converses

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "x" * 301
WHOLE = "y" * LONGEST_REASON
FAULT = "Ensure this value has at most 300 characters (it has 301)."
BIDI = "a\u202eb"
UNSEEN = "\u200b\u2060 \ufeff"
FORCE = "/admin/schedules/schedule/force/"


@pytest.fixture
def api(alice):
    a_profile()
    return Program(alice)


@pytest.fixture
def works():
    """A schedule with a run that is running, and a scheduler."""
    now = clock.now()
    a_scheduler(now)
    schedule = a_schedule(now, name="Nightly report")
    run, _ = a_running_run(schedule, now)
    return schedule, run


@pytest.mark.parametrize("what", ["pause", "cancel", "execute"])
def test_a_reason_is_kept_whole_or_refused_over_http(api, works, what):
    schedule, run = works
    path = f"/runs/{run.pk}/cancel" if what == "cancel" else f"/schedules/{schedule.pk}/{what}?force=true"
    refused = api.post(path, {"reason": LONG})
    assert (refused.status_code, refused.json()["fields"]) == (422, {"reason": FAULT})
    assert api.post(path, {"reason": WHOLE}).status_code in (200, 202)
    kept = {
        "pause": lambda: Schedule.objects.get().paused_reason,
        "cancel": lambda: Run.objects.get(pk=run.pk).cancel_reason,
        "execute": lambda: Firing.objects.latest("pk").reason.removeprefix("Forced. "),
    }
    assert kept[what]() == WHOLE


@pytest.mark.parametrize("tool", ["pause_schedule", "cancel_run"])
def test_a_reason_is_kept_whole_or_refused_from_an_agent(alice, works, tool):
    with pytest.raises(ToolError) as refused:
        check(registry.get(tool).input_schema, {"schedule": "Nightly report", "reason": LONG})
    assert FAULT.rstrip(".") in str(refused.value)
    with pytest.raises(ToolError, match="at most 300 characters"):
        registry.get(tool).call(ToolContext(user_id=alice.pk), {"schedule": "Nightly report", "reason": LONG})
    told = registry.get(tool).call(
        ToolContext(user_id=alice.pk), {"schedule": "Nightly report", "reason": WHOLE}
    )
    assert json.loads(told)
    assert WHOLE in (Schedule.objects.get().paused_reason, Run.objects.get().cancel_reason)


def test_the_form_that_forces_keeps_a_reason_that_is_too_long(reader, works):
    schedule, _ = works
    page = reader.presses(f"{FORCE}?ids={schedule.pk}", reason=LONG)
    assert FAULT in page
    assert f">{LONG}</textarea>" in reader.html
    assert Run.objects.count() == 1
    reader.presses(f"{FORCE}?ids={schedule.pk}", reason=WHOLE)
    assert Firing.objects.latest("pk").reason == f"Forced. {WHOLE}"


def test_more_schedules_than_are_forced_at_once_are_refused_and_none_is_left_out(reader, works):
    many = [a_schedule(clock.now(), name=f"S {number}").pk for number in range(101)]
    page = reader.presses(f"{FORCE}?ids={','.join(map(str, many))}", reason="All.")
    assert "You can force at most 100 schedules at once; you selected 101." in page
    assert Run.objects.count() == 1


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_an_answer_is_kept_whole_or_refused_and_its_page_keeps_it(reader, alice, decision):
    _, approval = a_waiting_run(now=clock.now())
    long = "x" * (approvals.MAX_ANSWER_CHARS + 1)
    fault = "Ensure this value has at most 20000 characters (it has 20001)."
    with pytest.raises(Problem) as refused:
        approvals.answer(approval.pk, alice, decision, text=long)
    assert refused.value.fields == {"text": fault}
    page = reader.presses(f"/admin/agents/approval/{approval.pk}/answer/", decision=decision, text=long)
    assert fault in page
    assert f">{long}</textarea>" in reader.html
    assert Approval.objects.get().is_open
    answered = approvals.answer(approval.pk, alice, decision, text=long[1:])
    assert answered.answer == long[1:]


def test_an_answer_in_words_that_shows_nothing_is_none(alice):
    _, approval = a_waiting_run(now=clock.now())
    Approval.objects.update(kind="question")
    for decision, text in (("allow", UNSEEN), (UNSEEN, "")):
        with pytest.raises(Problem) as refused:
            approvals.answer(approval.pk, alice, decision, text=text)
        assert list(refused.value.fields) == ["text"]
    assert approvals.answer(approval.pk, alice, "allow", text="Yes\u200b.").answer == "Yes\u200b."


def test_a_reply_that_shows_nothing_is_an_empty_reply():
    content = [{"type": "text", "text": UNSEEN}, {"type": "thinking", "thinking": "Hm."}]
    assert (join_text(content), is_empty(content)) == ("", True)
    assert not is_empty([{"type": "text", "text": "👩‍👩‍👧"}])


def test_a_message_or_a_prompt_that_shows_nothing_is_refused(api, alice):
    conversation = converses(alice, "Hello").conversation
    path = f"/conversations/{conversation.pk}/messages"
    assert list(api.post(path, {"text": UNSEEN}).json()["fields"]) == ["text"]
    new = {"name": "S", "prompt": UNSEEN, "profile": "tester", "cron": "0 9 * * *"}
    assert list(api.post("/schedules", new).json()["fields"]) == ["prompt"]


def test_no_field_of_a_form_is_cut_by_the_browser(reader):
    for page in ("schedules/schedule", "agents/profile", "agents/project", "agents/mcpserver"):
        assert "maxlength" not in reader.opens(f"/admin/{page}/add/")
        assert "maxlength" not in reader.html


def test_a_copy_of_a_copy_and_of_a_long_name_has_a_name_of_its_own(reader, works):
    schedule, _ = works
    Schedule.objects.update(name="z" * 120)
    for _ in range(2):
        reader.presses(f"/admin/schedules/schedule/{schedule.pk}/do/duplicate/")
    copies = Schedule.objects.exclude(pk=schedule.pk).order_by("pk").values_list("name", flat=True)
    assert [(len(name), name.lstrip("z")) for name in copies] == [(120, "… (copy)"), (120, "… (copy 2)")]
    profile = a_profile("long", name="p" * 80)
    for _ in range(2):
        reader.presses("/admin/agents/profile/", action="duplicate", _selected_action=profile.pk)
    copies = Profile.objects.filter(slug__startswith="long-").order_by("pk").values_list("name", flat=True)
    assert [name.lstrip("p") for name in copies] == ["… (copy)", "… (copy 2)"]


@pytest.mark.parametrize("name", [BIDI, "a\u2066b", "a\u200bb", "a\u200dc", "a\u00adb", "a\nb", "a\x07b"])
def test_folders_and_titles_are_names(api, alice, name):
    conversation = converses(alice, "Hello").conversation
    for field in ("folder", "title"):
        refused = api.patch(f"/conversations/{conversation.pk}", {field: name})
        assert (refused.status_code, list(refused.json()["fields"])) == (422, [field])
        with pytest.raises(ValidationError):
            Conversation(**{field: name}).clean_fields(exclude=["owner", "created_at", "active_at"])
    assert list(api.post("/conversations", {"title": name}).json()["fields"]) == ["title"]
    taken = api.patch(f"/conversations/{conversation.pk}", {"folder": " Family 👩‍👩‍👧 "}).json()
    assert taken["folder"] == "Family 👩‍👩‍👧"


def test_a_title_made_of_the_first_words_holds_nothing_unseen(alice):
    assert converses(alice, f"Report {BIDI}\u200b").conversation.title == "Report ab"


@pytest.mark.parametrize("size", [0, 1001, 2**31 - 1])
def test_a_pool_is_as_large_as_the_largest_cap_at_most(reader, size):
    page = reader.presses("/admin/schedules/pool/add/", name="wide", size=size)
    assert "Ensure this value is" in page
    with pytest.raises(IntegrityError), transaction.atomic():
        Pool.objects.create(name="wide", size=size)
    reader.presses("/admin/schedules/pool/add/", name="wide", size=1000)
    assert Pool.objects.get().size == 1000
