"""Runs over HTTP: listed, followed, cancelled, done once more."""

from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import live_streams
from agents.protocol.events import TextDelta, TurnStarted
from agents.states import FailureReason
from agents.transcripts import transcript
from schedules.models import Firing, Run, Schedule
from schedules.states import RunStatus, Source
from schedules.transitions import Ending, finish, pause, withdraw
from stagent.lib import clock
from tests.support.builders import a_profile, a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.programs import Program, refusal

SHOWN = """
id schedule_id firing_id source forced status wait_reason failure_reason attempt priority queued_at not_before
slot holder slot_claimed_at lease_expires_at finished_at max_turns turn_count input_tokens output_tokens
cost_usd result
"""


@pytest.fixture
def api(alice):
    return Program(alice)


def a_failed_run(schedule=None) -> Run:
    run, claimed = a_running_run(schedule, clock.now())
    ending = Ending(
        RunStatus.FAILED, FailureReason.TURN_LIMIT_EXCEEDED, "5 of 5 steps.", result="Half.", partial=True
    )
    return finish(run.pk, claimed.token, ending, now=clock.now())


def test_a_running_run_shows_who_holds_it_until_when(api):
    now = clock.now()
    run, _ = a_running_run(a_schedule(now, max_turns=7), now, holder="scheduler@here:1:abc")
    shown = api.get(f"/runs/{run.pk}").json()
    assert shown.keys() >= set(SHOWN.split())
    assert (shown["id"], shown["schedule_id"]) == (str(run.pk), str(run.schedule_id))
    assert (shown["status"], shown["slot"], shown["holder"]) == (
        "running",
        "default #1",
        "scheduler@here:1:abc",
    )
    assert (shown["attempt"], shown["max_turns"], shown["wait_reason"]) == (1, 7, None)
    lease = datetime.fromisoformat(shown["lease_expires_at"]) - datetime.fromisoformat(
        shown["slot_claimed_at"]
    )
    assert lease == timedelta(seconds=60)


def test_a_failed_run_says_why_and_keeps_what_it_had(api):
    run = a_failed_run()
    shown = api.get(f"/runs/{run.pk}").json()
    assert (shown["status"], shown["failure_reason"]) == ("failed", "turn_limit_exceeded")
    assert (shown["failure_detail"], shown["result"], shown["result_partial"]) == (
        "5 of 5 steps.",
        "Half.",
        True,
    )
    assert (shown["slot"], shown["lease_expires_at"]) == (None, None)
    assert shown["finished_at"]


def test_every_wait_has_its_reason(api):
    now = clock.now()
    a_scheduler(now)
    schedule = a_schedule(now)
    waits = {
        a_queued_run(schedule, now, source=Source.MANUAL).pk: "slot",
        a_queued_run(schedule, now).pk: "chat",
        a_queued_run(schedule, now, not_before=now + timedelta(hours=1)).pk: "retry",
    }
    live_streams.begin("message:1", "web", 60, now)
    paused = a_schedule(now, name="Paused")
    waits[a_queued_run(paused, now).pk] = "paused"
    pause(paused.pk, now=clock.now())
    items = api.get("/runs?status=queued").json()["items"]
    assert {int(row["id"]): row["wait_reason"] for row in items} == waits


def test_runs_are_filtered_and_counted(api):
    now = clock.now()
    mine, other = a_schedule(now, name="Mine"), a_schedule(now, name="Other")
    failed, queued = a_failed_run(mine), a_queued_run(other, clock.now(), source=Source.MANUAL)
    for wanted in (
        "status=failed",
        f"schedule_id={mine.pk}",
        "failure_reason=turn_limit_exceeded",
        "source=scheduled",
    ):
        body = api.get(f"/runs?{wanted}").json()
        assert (body["count"], [row["id"] for row in body["items"]]) == (1, [str(failed.pk)]), wanted
    assert [row["id"] for row in api.get("/runs").json()["items"]] == [str(queued.pk), str(failed.pk)]
    assert api.get("/runs?forced=true").json()["count"] == 0
    assert api.get(f"/runs?profile={mine.profile.slug}").json()["count"] == 2
    assert api.get("/runs?profile=nobody").json()["count"] == 0
    assert api.get("/runs?schedule_id=none").json()["count"] == 0
    soon = (now + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (
        api.get(f"/runs?since={soon}").json()["count"],
        api.get(f"/runs?until={soon}").json()["count"],
    ) == (0, 2)


def test_a_longer_list_of_runs_needs_no_more_queries(api):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get("/runs").status_code == 200
        return len(seen)

    now = clock.now()
    a_queued_run(a_schedule(now), now)
    queries()
    few = queries()
    for number in range(8):
        a_queued_run(a_schedule(now, name=f"S{number}", profile=a_profile(f"p{number}")), now)
    assert queries() == few


def test_a_transcript_is_followed_by_its_numbers(api):
    run, claimed = a_running_run(None, clock.now())
    happened = [TurnStarted(1), TextDelta(1, "Hel"), TextDelta(1, "lo")]
    transcript.append(run.transcript_id, claimed.token, happened, clock.now())
    body = api.get(f"/runs/{run.pk}/events").json()
    assert [(event["seq"], event["kind"]) for event in body["items"]] == [
        (1, "turn_started"), (2, "text_delta"), (3, "text_delta")
    ]  # fmt: skip
    assert (body["count"], body["finished"]) == (3, False)
    rest = api.get(f"/runs/{run.pk}/events?after=1&limit=1").json()
    assert ([event["data"]["text"] for event in rest["items"]], rest["count"]) == (["Hel"], 2)
    assert api.get(f"/runs/{run.pk}/events?after=3").json() == {"items": [], "count": 0, "finished": False}
    assert refusal(api.get(f"/runs/{run.pk}/events?after=-1")) == (422, "validation_error")


def test_a_queued_run_is_cancelled_at_once(api):
    run = a_queued_run(None, clock.now())
    answer = api.post(f"/runs/{run.pk}/cancel", {"reason": "Not today."})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["cancel_reason"] == "Not today."
    assert LogEntry.objects.get().change_message == "Cancelled. Not today. Through the API."


def test_a_running_run_is_asked_to_stop(api):
    run, _ = a_running_run(None, clock.now())
    for _ in range(2):
        answer = api.post(f"/runs/{run.pk}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert (answer.json()["cancel_reason"], bool(answer.json()["cancel_requested_at"])) == (
        "Cancelled by alice through the API.",
        True,
    )


def test_a_finished_run_is_not_cancelled(api):
    run = a_failed_run()
    assert refusal(api.post(f"/runs/{run.pk}/cancel")) == (409, "run_finished")
    assert Run.objects.get().status == RunStatus.FAILED
    assert not LogEntry.objects.exists()


def test_an_ended_run_is_done_once_more_with_what_its_schedule_says_now(api):
    run = a_failed_run(a_schedule(clock.now(), max_turns=5))
    Schedule.objects.update(max_turns=50, prompt="Better.")
    answer = api.post(f"/runs/{run.pk}/retry")
    assert answer.status_code == 202
    again = Run.objects.get(pk=answer.json()["id"])
    assert (again.source, again.status, again.max_turns, again.prompt) == ("retry", "queued", 50, "Better.")
    assert Firing.objects.get(run=again).reason == f"Run {run.pk} once more."
    assert str(again.pk) in LogEntry.objects.get().change_message


def test_what_has_not_ended_or_has_no_schedule_is_not_done_again(api):
    run = a_queued_run(a_schedule(clock.now()), clock.now())
    assert refusal(api.post(f"/runs/{run.pk}/retry")) == (409, "run_unfinished")
    withdraw(run.pk, now=clock.now(), reason="")
    api.delete(f"/schedules/{run.schedule_id}")
    assert refusal(api.post(f"/runs/{run.pk}/retry")) == (409, "schedule_deleted")
    assert Run.objects.count() == 1


@pytest.mark.parametrize("opaque", ["999", "abc", "-1", "9" * 30])
def test_an_unknown_run_is_not_found(api, opaque):
    for path in ("", "/events"):
        assert refusal(api.get(f"/runs/{opaque}{path}")) == (404, "run_not_found")
    for path in ("/cancel", "/retry"):
        assert refusal(api.post(f"/runs/{opaque}{path}")) == (404, "run_not_found")
