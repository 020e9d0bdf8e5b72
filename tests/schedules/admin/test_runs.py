"""Runs in the console: what, when, what it said, what went wrong; stopping and repeating."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry

from agents.protocol.events import (
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from agents.protocol.usage import Usage
from agents.transcripts import transcript
from schedules.models import Run
from schedules.states import RunStatus, Source
from schedules.transitions import Ending, finish, requeue
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/run/"


@pytest.fixture
def now():
    moment = clock.now()
    a_scheduler(moment)
    return moment


def page_of(run):
    return f"{LIST}{run.pk}/change/"


def says(claim, *events, now):
    transcript.append(claim.transcript_id, claim.token, events, now)


def a_reply(turn, text, stop_reason="end_turn"):
    content = [{"type": "text", "text": text}]
    usage = Usage(input=1200, output=34, cache_read=800)
    return TurnFinished(turn, content, stop_reason, usage, Decimal("0.0123"), "claude-opus-5-5")


# The page of one.


def test_a_waiting_run_says_what_it_waits_for(reader, now):
    for _ in range(2):
        a_running_run(a_schedule(name="Slow"), now)
    page = reader.opens(page_of(a_queued_run(a_schedule(), now)))
    assert "queued Waiting for a free slot, first in line." in page
    assert "No output yet." in page


def test_a_running_run_says_who_holds_it_in_which_slot_until_when(reader, now):
    run, _ = a_running_run(a_schedule(max_turns=40), now, holder="scheduler@here:1:abc")
    page = reader.opens(page_of(run))
    for part in (
        "Holder scheduler@here:1:abc",
        "Slot default #1",
        "lease ends in 59 s",
        "Steps 0 of 40",
        "Time limit reached",
    ):
        assert part in page


def test_its_transcript_shows_what_was_thought_said_called_and_paid(reader, now):
    run, claim = a_running_run(now=now)
    says(
        claim,
        TurnStarted(1),
        ThinkingDelta(1, "Where could it be?"),
        TextDelta(1, "Let me "),
        TextDelta(1, "look."),
        a_reply(1, "Let me look.", "tool_use"),
        ToolStarted(1, "c1", "read_file", {"path": "notes.md"}),
        ToolFinished("c1", "read_file", False, "# Notes", 12),
        TurnStarted(2),
        a_reply(2, "Found it."),
        Notice("last_turn", "The limit of steps is near."),
        now=now,
    )
    page = reader.opens(page_of(run))
    assert "Thinking Where could it be?" in page
    assert page.count("Let me look.") == 1
    assert "read_file path: notes.md" in page
    assert "# Notes" in page
    assert "2,000 in, 34 out $0.0123" in page
    assert "Found it." in page
    assert "end turn" in page
    assert "The limit of steps is near." in page


def test_a_call_that_failed_or_never_ended_says_so(reader, now):
    run, claim = a_running_run(now=now)
    says(
        claim,
        TurnStarted(1),
        ToolStarted(1, "c1", "http_get", {"url": "https://example.org"}),
        ToolFinished("c1", "http_get", True, "No such host.", 3),
        ToolStarted(1, "c2", "shell", {"command": "make"}),
        now=now,
    )
    page = reader.opens(page_of(run))
    assert "http_get url: https://example.org failed" in page
    assert "shell command: make running" in page
    finish(run.pk, claim.token, Ending(RunStatus.CANCELLED), now=now)
    assert "shell command: make no result" in reader.opens(page_of(run))


def test_an_attempt_that_was_cut_off_is_struck_out(reader, now):
    run, claim = a_running_run(now=now)
    says(
        claim,
        TurnStarted(1),
        TextDelta(1, "Half a th"),
        TurnStarted(1),
        a_reply(1, "A whole thought."),
        now=now,
    )
    page = reader.opens(page_of(run))
    assert "Interrupted and repeated below. Half a th" in page
    assert page.index("Half a th") < page.index("A whole thought.")


def test_what_a_model_says_is_text_and_never_markup(reader, now):
    run, claim = a_running_run(now=now)
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    says(
        claim,
        TurnStarted(1),
        a_reply(1, evil),
        ToolStarted(1, "c", evil, {evil: evil}),
        ToolFinished("c", evil, True, evil, 1),
        Notice("x", evil),
        now=now,
    )
    finish(run.pk, claim.token, Ending(RunStatus.FAILED, "refusal", evil, result=evil), now=now)
    for url in (page_of(run), f"{LIST}{run.pk}/now/", f"{LIST}{run.pk}/said/", LIST, "/admin/"):
        reader.opens(url)
        assert "<img" not in reader.html
        assert "<script>alert" not in reader.html


def test_what_an_agent_writes_is_shown_as_markdown_means_it(reader, now):
    run, claim = a_running_run(now=now)
    table = "| When | What |\n| --- | --- |\n| 07:00 | **Report** |"
    says(claim, TurnStarted(1), TextDelta(1, f"## So far\n\n{table}\n| 08:"), now=now)
    for url in (page_of(run), f"{LIST}{run.pk}/said/"):
        reader.opens(url)
        assert "<h2>So far</h2>" in reader.html
        assert "<td>07:00</td>\n<td><strong>Report</strong></td>" in reader.html
        assert "<td>08:</td>" in reader.html
    pictured = f"{table}\n\n![chart](https://spy.example/x.png)"
    says(claim, a_reply(1, pictured), now=now)
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED, result=pictured), now=now)
    reader.opens(page_of(run))
    assert reader.html.count("<td>07:00</td>") == len(("the answer", "the transcript"))
    assert '<a href="https://spy.example/x.png"' in reader.html
    assert "<img" not in reader.html


def test_what_went_wrong_says_the_reason_the_detail_and_what_to_do(reader, now):
    run, claim = a_running_run(now=now)
    ending = Ending(
        RunStatus.FAILED, "turn_limit_exceeded", "It took 8 steps.", result="So far.", partial=True
    )
    finish(run.pk, claim.token, ending, now=now)
    page = reader.opens(page_of(run))
    assert "Turn limit exceeded. It took 8 steps." in page
    assert "Raise “max agent steps per run”" in page
    assert "Partial result So far." in page


def test_a_long_transcript_begins_with_its_last_turns(reader, now):
    run, claim = a_running_run(now=now)
    for turn in range(1, 71):
        says(claim, TurnStarted(turn), a_reply(turn, f"This is turn {turn}."), now=now)
    page = reader.opens(page_of(run))
    assert "This is turn 10." not in page
    assert "This is turn 11." in page
    assert "Show earlier steps" in page
    assert "This is turn 1." in reader.opens(f"{page_of(run)}?all")


def test_a_run_that_is_gone_is_not_found(reader):
    for number in ("4711", "x", "9" * 40):
        reader.opens(f"{LIST}{number}/change/")
        assert reader.answer.status_code == 404


def test_the_run_of_a_deleted_schedule_still_has_its_page(reader, now):
    run, claim = a_running_run(now=now)
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED, result="Kept."), now=now)
    Run.objects.filter(pk=run.pk).update(schedule=None, firing=None)
    page = reader.opens(page_of(run))
    assert "Nightly report (deleted)" in page
    assert "Retry" not in page


# What its page asks for, again and again.


def test_only_the_turns_with_news_are_sent(reader, now):
    run, claim = a_running_run(now=now)
    says(claim, TurnStarted(1), a_reply(1, "First."), TurnStarted(2), TextDelta(2, "Sec"), now=now)
    page = reader.opens(f"{LIST}{run.pk}/said/", after="4")
    assert "First." not in page
    assert "Sec" in page
    assert reader.answer["X-Last"] == "4"
    says(claim, TextDelta(2, "ond."), now=now)
    assert "Second." in reader.opens(f"{LIST}{run.pk}/said/", after="4")
    assert reader.answer["X-Last"] == "5"
    assert "X-Over" not in reader.answer


def test_when_the_run_has_ended_its_page_need_not_ask_again(reader, now):
    run, claim = a_running_run(now=now)
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED), now=now)
    for part in ("now", "said"):
        reader.opens(f"{LIST}{run.pk}/{part}/")
        assert reader.answer["X-Over"] == "1"
    assert "data-live" not in reader.opens(page_of(run))


# Stopping and repeating.


def test_cancelling_a_queued_run_ends_it_at_once(reader, now):
    run = a_queued_run(now=now)
    assert f"Run {run.pk}: cancelled." in reader.presses(f"{LIST}{run.pk}/cancel/")
    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELLED, "Cancelled by alice.")
    assert LogEntry.objects.get().get_change_message() == "Cancelled."


def test_cancelling_a_running_run_asks_its_holder(reader, now):
    run, _ = a_running_run(now=now)
    assert "stopping within a second" in reader.presses(f"{LIST}{run.pk}/cancel/")
    assert "cancellation requested now" in reader.opens(f"{LIST}{run.pk}/now/").replace("0 s ago", "now")
    assert f"{run.pk}/cancel/" not in reader.html


def test_cancelling_what_has_ended_changes_nothing(reader, now):
    run, claim = a_running_run(now=now)
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED), now=now)
    assert "The run has already ended." in reader.presses(f"{LIST}{run.pk}/cancel/")
    assert not LogEntry.objects.exists()


def test_queueing_again_makes_a_new_run_and_leads_to_it(reader, now):
    run, claim = a_running_run(now=now)
    finish(run.pk, claim.token, Ending(RunStatus.FAILED, "timeout"), now=now)
    reader.presses(f"{LIST}{run.pk}/retry/")
    again = Run.objects.get(source=Source.RETRY)
    assert again.requested_by == reader.user
    assert f"Retried as run {again.pk}." in reader.words
    assert f"run {again.pk}" in reader.words


def test_many_can_be_cancelled_and_queued_again_at_once(reader, now):
    waiting, (ended, claim) = a_queued_run(now=now), a_running_run(a_schedule(name="Other"), now)
    finish(ended.pk, claim.token, Ending(RunStatus.COMPLETED), now=now)
    chosen = [waiting.pk, ended.pk]
    asked = reader.presses(LIST, _selected_action=chosen, action="cancel_chosen")
    assert "Cancel 2 runs" in asked
    assert f"Run {ended.pk} of Other" in asked
    assert f"Run {waiting.pk} of Nightly report" in asked
    assert Run.objects.queued().count() == 1
    page = reader.presses(LIST, _selected_action=chosen, action="cancel_chosen", confirmed="1")
    assert f"Run {waiting.pk}: cancelled." in page
    assert f"Run {ended.pk}: The run has already ended" in page
    reader.presses(LIST, _selected_action=chosen, action="retry_chosen")
    assert Run.objects.filter(source=Source.RETRY).count() == 2


def test_looking_never_stops_or_repeats_anything(reader, now):
    run = a_queued_run(now=now)
    assert "Cancel the run" in reader.opens(f"{LIST}{run.pk}/cancel/")
    reader.opens(f"{LIST}{run.pk}/retry/")
    assert reader.answer.status_code == 405
    assert Run.objects.get().status == RunStatus.QUEUED


def test_who_may_only_look_has_no_buttons_and_is_refused(client, bob, now):
    bob.user_permissions.remove(*bob.user_permissions.filter(codename__in=("change_run", "run_schedule")))
    run = a_queued_run(now=now)
    assert "Cancel" not in Reader(client, bob).opens(page_of(run))
    for verb in ("cancel", "retry"):
        assert client.post(f"{LIST}{run.pk}/{verb}/").status_code == 403


def test_who_may_not_look_sees_no_part_of_it(client, bob, now):
    bob.user_permissions.remove(*bob.user_permissions.filter(codename__in=("view_run", "change_run")))
    run = a_queued_run(now=now)
    theirs = Reader(client, bob)
    for part in ("change", "now", "said"):
        theirs.opens(f"{LIST}{run.pk}/{part}/")
        assert theirs.answer.status_code == 403


# The list.


def test_the_list_says_of_each_waiting_run_why(reader, now):
    run, claim = a_running_run(now=now)
    requeue(run.pk, claim.token, now=now, not_before=now + timedelta(minutes=5), retry_count=1)
    a_queued_run(a_schedule(name="Ready"), now)
    page = reader.opens(LIST)
    assert "Waiting for its next retry." in page
    assert "Waiting for a free slot, first in line." in page


def test_the_list_says_why_runs_failed_and_finds_them_by_it(reader, now):
    run, claim = a_running_run(a_schedule(name="Weary"), now)
    finish(run.pk, claim.token, Ending(RunStatus.FAILED, "worker_lost"), now=now)
    a_queued_run(a_schedule(name="Fresh"), now)
    page = reader.opens(LIST, failure_reason__exact="worker_lost")
    assert "worker lost" in page
    assert "Fresh" not in page


def test_nobody_can_write_a_run_by_hand(reader, now):
    run = a_queued_run(now=now)
    assert "Add run" not in reader.opens(LIST)
    reader.presses(page_of(run), status="completed")
    assert Run.objects.get().status == RunStatus.QUEUED
    reader.opens(f"{LIST}{run.pk}/delete/")
    assert reader.answer.status_code == 403
