"""Stagent's own tools: the API's doors, opened by an agent in the name of whom it works for."""

import asyncio
import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from agents.models import Project
from agents.states import FailureReason
from agents.tools import registry, schema_check
from agents.tools.base import ToolContext, ToolError
from schedules import agent_tools
from schedules.models import Run, Schedule
from schedules.states import RunStatus
from schedules.transitions import Ending, finish, pause
from stagent.lib import clock
from tests.support.builders import a_profile, a_queued_run, a_running_run, a_schedule, a_scheduler

LOOKING = {"list_schedules": {}, "get_schedule": {"schedule": "S"}, "list_runs": {}, "get_run": {"run": "1"}}
NEW = {"name": "Watch", "prompt": "Look.", "interval": "every 2h", "profile": "tester"}


@pytest.fixture
def alices(alice):
    """An agent that works for Alice."""
    a_profile()
    return ToolContext(user_id=alice.pk, run_id=77)


def use(tool_name, context, /, **given):
    """Call a tool as the engine does, without its thread."""
    tool = registry.get(tool_name)
    schema_check.check(tool.input_schema, given)
    return json.loads(tool.call(context, given))


def test_the_tools_are_registered_and_a_second_time_changes_nothing():
    agent_tools.register()
    assert all(registry.get(tool.name) is tool for tool in agent_tools.OURS)


def test_schedules_are_listed_with_the_fields_of_the_api(alices):
    a_schedule(clock.now(), name="Night watch")
    paused = a_schedule(clock.now(), name="Day report")
    pause(paused.pk, now=clock.now(), reason="Holidays")
    found = use("list_schedules", alices)
    assert (found["count"], [row["name"] for row in found["items"]]) == (2, ["Day report", "Night watch"])
    assert found["items"][1]["description"] == "Every 5 minutes"
    assert use("list_schedules", alices, status="paused")["items"][0]["paused_reason"] == "Holidays"
    assert use("list_schedules", alices, search="night")["count"] == 1
    assert len(use("list_schedules", alices, limit=1)["items"]) == 1


@pytest.mark.parametrize("said", ["night WATCH", "{id}", "#{id}", " Night watch "])
def test_a_schedule_is_found_by_its_name_or_its_id(alices, said):
    schedule = a_schedule(clock.now(), name="Night watch")
    shown = use("get_schedule", alices, schedule=said.format(id=schedule.pk))
    assert (shown["id"], shown["prompt"]) == (str(schedule.pk), "Report.")
    assert len(shown["next_fires"]) == 3


def test_a_name_that_is_unknown_or_not_unique_is_answered_with_what_there_is(alices):
    twins = [a_schedule(clock.now(), name="Twin") for _ in range(2)]
    with pytest.raises(ToolError, match=f"id {twins[0].pk}.*id {twins[1].pk}"):
        use("get_schedule", alices, schedule="twin")
    a_schedule(clock.now(), name="Night watch")
    with pytest.raises(ToolError, match="Did you mean 'Night watch'"):
        use("pause_schedule", alices, schedule="night")
    with pytest.raises(ToolError, match="list_schedules lists"):
        use("get_schedule", alices, schedule="nothing of that kind")
    assert Schedule.objects.active().count() == 3


def test_an_agent_makes_a_schedule_for_whom_it_works(alices, alice):
    made = use("create_schedule", alices, **NEW, timezone="Europe/Berlin")
    schedule = Schedule.objects.get()
    assert (made["schedule"]["id"], made["warnings"]) == (str(schedule.pk), [])
    assert (schedule.owner, schedule.name, schedule.timezone) == (alice, "Watch", "Europe/Berlin")
    assert len(made["schedule"]["next_fires"]) == 3
    assert LogEntry.objects.get(user=alice).change_message == "Added. Through an agent (run 77)."


def test_a_name_may_be_used_twice(alices):
    for _ in range(2):
        use("create_schedule", alices, **NEW)
    assert Schedule.objects.count() == 2


def test_a_new_schedule_belongs_to_the_project_of_its_maker(alices):
    alices.project_id = Project.objects.create(slug="p", name="P").pk
    assert use("create_schedule", alices, **NEW)["schedule"]["project"] == str(alices.project_id)


def test_a_moment_without_offset_is_meant_on_the_schedules_clocks(alices):
    local = (clock.now() + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    given = {"name": "Once", "prompt": "P", "profile": "tester", "timezone": "Asia/Tokyo"}
    made = use("create_schedule", alices, **given, at=local.isoformat())
    at = datetime.fromisoformat(made["schedule"]["at"])
    assert at == local.replace(tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"interval": "every 5 fortnights"}, "interval: .*not understood"),
        ({"cron": "61 * * * *", "interval": ""}, "cron: '61'"),
        ({"timezone": "Mars/Olympus"}, "timezone: "),
        ({"profile": "nobody"}, "There are: .*tester"),
        ({"at": "tomorrow", "interval": ""}, "at: "),
        ({"max_turns": 0}, "max_turns"),
        ({"webhook_url": "https://example.org"}, "webhook_url is unknown"),
    ],
)
def test_a_wrong_argument_is_put_in_words_and_nothing_is_made(alices, wrong, said):
    with pytest.raises(ToolError, match=said):
        use("create_schedule", alices, **NEW | wrong)
    assert not Schedule.objects.exists()


def test_an_agent_changes_only_what_it_was_asked_to(alices):
    schedule = a_schedule(clock.now(), name="Night watch", max_turns=10)
    shown = use("update_schedule", alices, schedule="Night watch", cron="0 7 * * *", name="Morning watch")
    assert (shown["schedule"]["cron"], shown["schedule"]["name"]) == ("0 7 * * *", "Morning watch")
    assert use("update_schedule", alices, schedule=str(schedule.pk), max_turns=None)
    schedule.refresh_from_db()
    assert (schedule.max_turns, schedule.prompt) == (None, "Report.")


def test_an_agent_pauses_and_resumes(alices):
    a_schedule(clock.now(), name="Night watch")
    shown = use("pause_schedule", alices, schedule="Night watch", reason="It found nothing for a month.")
    assert (shown["status"], shown["paused_reason"]) == ("paused", "It found nothing for a month.")
    use("resume_schedule", alices, schedule="Night watch")
    assert use("pause_schedule", alices, schedule="Night watch")["paused_reason"].endswith(
        "an agent (run 77)."
    )
    shown = use("resume_schedule", alices, schedule="Night watch")
    assert (shown["name"], shown["status"]) == ("Night watch", "active")


def test_an_agent_runs_a_schedule_or_queues_it(alices):
    a_scheduler(clock.now())
    schedule = a_schedule(clock.now(), name="Wanted")
    for number in range(2):
        shown = use("run_schedule", alices, schedule="Wanted")
        assert (shown["status"], shown["slot"]) == ("running", f"default #{number + 1}")
    queued = use("run_schedule", alices, schedule="Wanted")
    assert (queued["status"], queued["wait_reason"], queued["forced"]) == ("queued", "slot", False)
    assert Run.objects.filter(pk=queued["run_id"], schedule=schedule).exists()


def test_a_run_cannot_start_itself_over_and_over(alices):
    alices.schedule_id = a_schedule(clock.now(), name="Mine").pk
    with pytest.raises(ToolError, match="own schedule"):
        use("run_schedule", alices, schedule="Mine")
    assert not Run.objects.exists()


def test_runs_are_listed_and_opened(alices):
    schedule = a_schedule(clock.now(), name="Night watch")
    run, claimed = a_running_run(schedule, clock.now())
    ending = Ending(RunStatus.FAILED, FailureReason.REFUSAL, "It would not.", result="x" * 9000)
    finish(run.pk, claimed.token, ending, now=clock.now())
    a_queued_run(a_schedule(clock.now(), name="Other"), clock.now())
    assert use("list_runs", alices)["items"][0]["wait_reason"] == "worker"
    a_scheduler(clock.now())
    found = use("list_runs", alices, status="failed")
    assert (found["count"], found["items"][0]["failure_reason"]) == (1, "refusal")
    assert len(found["items"][0]["result"]) < 400
    assert use("list_runs", alices, schedule="Night watch")["count"] == 1
    assert use("list_runs", alices)["items"][0]["wait_reason"] == "slot"
    shown = use("get_run", alices, run=f"#{run.pk}")
    assert (shown["schedule_name"], shown["failure_detail"]) == ("Night watch", "It would not.")
    assert shown["result"].endswith("[… 1,000 more characters]")
    with pytest.raises(ToolError, match="There is no run '999'"):
        use("get_run", alices, run="999")


def test_an_agent_that_works_for_nobody_looks_but_changes_nothing(db):
    nobody = ToolContext()
    run = a_queued_run(a_schedule(clock.now(), name="S"), clock.now())
    for name, given in (LOOKING | {"get_run": {"run": str(run.pk)}}).items():
        assert use(name, nobody, **given)
    for name, given in {
        "create_schedule": NEW,
        "update_schedule": {"schedule": "S", "name": "T"},
        "pause_schedule": {"schedule": "S"},
        "resume_schedule": {"schedule": "S"},
        "run_schedule": {"schedule": "S"},
        "cancel_run": {"schedule": "S"},
    }.items():
        with pytest.raises(ToolError, match="has no user"):
            use(name, nobody, **given)
    assert Schedule.objects.get().status == "active"


def test_an_agent_may_no_more_than_whom_it_works_for(charlie):
    charlies = ToolContext(user_id=charlie.pk)
    schedule = a_schedule(clock.now(), name="S")
    for name, given in LOOKING.items():
        with pytest.raises(ToolError, match=r"permission schedules\.view_"):
            use(name, charlies, **given)
    with pytest.raises(ToolError, match=r"schedules\.change_schedule"):
        use("pause_schedule", charlies, schedule="S")
    charlie.user_permissions.add(Permission.objects.get(codename="change_schedule"))
    assert use("pause_schedule", charlies, schedule=str(schedule.pk))["status"] == "paused"


def test_an_agent_cannot_hand_itself_what_only_a_person_grants(alices):
    a_profile("rooted", tools=["shell", "report"], permissions={"shell": "allow"})
    a_profile("harmless", tools=["shell", "report"])
    with pytest.raises(ToolError, match=r"Only a person.*shell"):
        use("create_schedule", alices, **NEW | {"profile": "rooted"})
    schedule = a_schedule(clock.now(), name="S", profile=a_profile("rooted"))
    with pytest.raises(ToolError, match="Only a person"):
        use("update_schedule", alices, schedule="S", prompt="rm -rf /")
    schedule.refresh_from_db()
    assert schedule.prompt == "Report."
    assert use("create_schedule", alices, **NEW | {"profile": "harmless"})


@pytest.mark.django_db(transaction=True)
async def test_the_engine_calls_them_in_a_thread_of_their_own():
    from agents.tools import invoke

    answer = await invoke.call(registry.get("list_schedules"), ToolContext(), {})
    assert (answer.is_error, json.loads(answer.text)) == (False, {"items": [], "count": 0})
    refused = await invoke.call(registry.get("get_schedule"), ToolContext(), {"schedule": "x"})
    assert (refused.is_error, "There is no schedule 'x'" in refused.text) == (True, True)
    assert not asyncio.current_task().cancelling()
