"""The main flows at the console, in a real browser: from a schedule in words to its run's last word."""

import pytest
from playwright.sync_api import expect

from agents.protocol.events import TextDelta, TurnStarted
from agents.runtimes import breaker
from agents.transcripts import transcript
from schedules.models import Notice, Run, Schedule, Scheduler
from schedules.monitoring import detectors
from schedules.states import RunStatus
from schedules.transitions import Ending, finish
from stagent.lib import clock
from tests.support.builders import a_profile, a_running_run, a_schedule, a_scheduler
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SLOW = "Talk. [[offline: turns=40 delay=40ms tokens=30]]"


def status_of(run):
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)


def test_one_signs_in_and_out(visit, browser, live_server, alice):
    page = visit("/admin/")
    page.context.clear_cookies()
    page.goto("/admin/schedules/run/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice's password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Logged out")).to_be_visible()


def test_a_schedule_is_made_in_words_with_its_firings_shown_while_typing(visit):
    a_profile()
    for name in ("Crawler", "Indexer"):
        heavy = a_schedule(clock.now(), name=name, cron="30 9 * * *")
        Schedule.objects.filter(pk=heavy.pk).update(avg_turns_per_firing=1600)
    page = visit("/admin/schedules/schedule/add/")
    answer = page.get_by_role("complementary", name="What this schedule would do")
    page.get_by_label("Name", exact=True).fill("Morning report")
    page.get_by_label("When", exact=True).fill("dayly at 9")
    expect(page.locator(".field-when").get_by_text("is not understood")).to_be_visible()
    page.get_by_label("When", exact=True).fill("daily at 09:30")
    expect(answer.get_by_text("At 09:30, every day")).to_be_visible()
    expect(answer.get_by_role("listitem").filter(has_text="09:30")).to_have_count(5)
    page.get_by_label("Prompt").fill("Report. MAX 20 turns.")
    expect(page.get_by_text("is a hint to the agent and not a limit")).to_be_visible()
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist").get_by_text("Busy at 09:30:")).to_be_visible()
    expect(page.get_by_role("heading", name="Morning report active")).to_be_visible()
    assert Schedule.objects.get(name="Morning report").interval == "daily at 09:30"


def test_a_run_is_started_and_its_words_appear_as_they_are_said(visit, scheduler):
    schedule = a_schedule(
        clock.now(), prompt="Talk. [[offline: turns=4 delay=60ms tokens=25]]", profile=a_profile(tools=["*"])
    )
    page = visit(f"/admin/schedules/schedule/{schedule.pk}/change/")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", name=f"{schedule.name} run")).to_be_visible()
    turns = page.get_by_role("log").locator("article")
    expect(turns.first).to_be_visible()
    expect(turns).to_have_count(4)
    expect(page.get_by_text("completed", exact=True)).to_be_visible()
    expect(turns.last).to_contain_text("counting:")
    expect(page.get_by_role("heading", name="Result")).to_be_visible()
    turns.first.locator("summary").click()
    expect(turns.first.get_by_role("heading", name="Arguments")).to_be_visible()


def test_words_take_their_form_while_they_are_said(visit):
    now = clock.now()
    run, claim = a_running_run(a_schedule(), now)
    said = [TurnStarted(1), TextDelta(1, "| When | What |\n| --- | --- |\n| 07:00 | "), TextDelta(1, "**Rep")]
    transcript.append(claim.transcript_id, claim.token, said, now)
    page = visit(f"/admin/schedules/run/{run.pk}/change/")
    turn = page.get_by_role("log").get_by_role("article")
    expect(turn.get_by_role("columnheader")).to_have_text(["When", "What"])
    transcript.append(
        claim.transcript_id, claim.token, [TextDelta(1, "ort**\n\n```python\nrun(1)\n```")], now
    )
    expect(turn.locator("strong")).to_have_text("Report")
    expect(turn.locator("pre code .mi")).to_have_text("1")
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED, result="1. **Done**"), now=now)
    expect(page.get_by_role("region", name="Result").get_by_role("listitem")).to_have_text("Done")


def test_a_full_cap_says_why_a_run_waits_and_lets_one_force_it_with_a_reason(visit, scheduler):
    slow = a_schedule(
        clock.now(), name="Slow", prompt=SLOW, overlap_policy="allow", profile=a_profile(tools=["*"])
    )
    page = visit(f"/admin/schedules/schedule/{slow.pk}/change/")
    for _ in range(2):
        page.goto(f"/admin/schedules/schedule/{slow.pk}/change/")
        page.get_by_role("button", name="Run now").click()
        expect(page.get_by_role("heading", name="Slow run")).to_be_visible()
    page.goto(f"/admin/schedules/schedule/{slow.pk}/change/")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("All slots are held")).to_be_visible()
    page.get_by_role("button", name="Queue run").click()
    expect(page.get_by_text("Waiting for a free slot, first in line.")).to_be_visible()
    page.goto(f"/admin/schedules/schedule/{slow.pk}/change/")
    page.get_by_role("link", name="Force…").click()
    page.get_by_role("button", name="Force the run").click()  # the browser itself asks for the reason
    page.get_by_label("Reason", exact=True).fill("The board meets at noon.")
    page.get_by_role("button", name="Force the run").click()
    expect(page.get_by_text("was forced.")).to_be_visible()
    assert Run.objects.filter(forced=True).count() == 1


def test_a_running_run_is_cancelled_and_the_page_notices_by_itself(visit, scheduler):
    slow = a_schedule(clock.now(), name="Slow", cron="0 0 1 1 *", prompt=SLOW, profile=a_profile(tools=["*"]))
    page = visit(f"/admin/schedules/schedule/{slow.pk}/change/")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("log").locator("article").first).to_be_visible()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("stopping within a second")).to_be_visible()
    expect(page.get_by_text("cancelled", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert Run.objects.get().status == RunStatus.CANCELLED


def test_the_first_page_keeps_itself_fresh(visit):
    seen = a_scheduler(clock.now())
    page = visit("/admin/")
    expect(page.get_by_text("The queue is empty.")).to_be_visible()
    run, _ = a_running_run(a_schedule(name="Surprise"), clock.now())
    expect(page.get_by_role("link", name="Surprise").first).to_be_visible()
    expect(page.get_by_text(f"run {run.pk} · step 0")).to_be_visible()
    Scheduler.objects.filter(pk=seen.pk).delete()
    expect(page.get_by_role("alert")).to_contain_text("No scheduler is running.")
    expect(page.get_by_role("alert")).to_contain_text("python manage.py runscheduler")


def test_the_first_page_takes_neither_the_focus_nor_marked_words_away(visit):
    a_scheduler(clock.now())
    page = visit("/admin/")
    link = page.get_by_role("link", name="All slots")
    link.focus()
    a_running_run(a_schedule(name="First"), clock.now())
    expect(page.get_by_role("link", name="First").first).to_be_visible()
    expect(link).to_be_focused()
    page.get_by_role("heading", name="Slots").select_text()
    a_running_run(a_schedule(name="Second"), clock.now())
    with page.expect_response("**/board/"):
        pass
    assert page.evaluate("getSelection().toString()").strip() == "Slots"
    page.evaluate("getSelection().empty()")
    expect(page.get_by_role("link", name="Second").first).to_be_visible()


LOOK = """(hidden) => {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_while_nobody_looks_nothing_is_asked_and_then_it_is_fresh_at_once(visit):
    a_scheduler(clock.now())
    page = visit("/admin/")
    page.clock.install()
    page.reload()
    asked = []
    page.on("request", lambda sent: asked.append(sent.url) if "/board/" in sent.url else None)
    page.evaluate(LOOK, True)
    page.clock.run_for(600_000)
    assert not asked
    a_running_run(a_schedule(name="Surprise"), clock.now())
    page.evaluate(LOOK, False)  # the page's clock stands still: no timer can have asked
    expect(page.get_by_role("link", name="Surprise").first).to_be_visible()
    with page.expect_request("**/board/"):
        page.clock.run_for(4000)


def test_a_page_that_lost_the_server_says_so_and_recovers(visit):
    a_scheduler(clock.now())
    page = visit("/admin/")
    state = page.locator("[data-live-state]")
    expect(state).to_have_text("live")
    page.context.set_offline(True)
    expect(state).to_have_text("connection lost, trying again")
    page.context.set_offline(False)
    expect(state).to_have_text("live")


def test_a_notice_is_acknowledged_on_the_first_page_and_leaves_it(visit):
    a_scheduler(clock.now())
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", clock.now())
    detectors.detect(clock.now())
    page = visit("/admin/", phone=True)
    notices = page.get_by_role("region", name="Notices")
    expect(notices).to_contain_text("The breaker of anthropic is open")
    notices.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("The dashboard no longer shows it")).to_be_visible()
    expect(notices).to_have_count(0)
    assert Notice.objects.get().acknowledged_by.username == "alice"


def test_enter_in_the_list_presses_no_row_button(visit):
    schedule = a_schedule(clock.now())
    page = visit("/admin/schedules/schedule/")
    page.get_by_role("checkbox").nth(1).press("Space")
    page.get_by_role("checkbox").nth(1).press("Enter")
    page.wait_for_load_state()
    assert not Run.objects.exists()
    assert Schedule.objects.get(pk=schedule.pk).status == "active"


def test_where_one_is_and_the_way_out_are_in_sight_in_a_low_window(visit):
    page = visit("/admin/stagent/apitoken/")
    page.set_viewport_size({"width": 1360, "height": 600})
    page.reload()
    nav = page.get_by_role("navigation", name="Console")
    expect(nav.get_by_role("link", name="API tokens")).to_be_in_viewport(ratio=1)
    expect(nav.get_by_role("button", name="Log out")).to_be_in_viewport(ratio=1)
    nav.get_by_role("link", name="Console", exact=True).focus()
    expect(nav.get_by_role("link", name="Console", exact=True)).to_be_in_viewport(ratio=1)


def test_filters_open_with_the_keyboard_and_close_with_escape(visit):
    a_schedule(clock.now())
    page = visit("/admin/schedules/schedule/")
    menu = page.locator("details.filter").first
    menu.locator("summary").press("Enter")
    expect(menu.get_by_role("link", name="paused")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="paused")).to_be_hidden()


def test_actions_come_up_when_rows_are_chosen(visit):
    schedules = [a_schedule(clock.now(), name=name) for name in ("One", "Two")]
    page = visit("/admin/schedules/schedule/")
    expect(page.locator(".actions")).to_be_hidden()
    page.locator("#action-toggle").check()
    page.locator(".actions select").select_option("pause")
    page.locator(".actions").get_by_role("button").click()
    expect(page.get_by_text("is paused")).to_have_count(len(schedules))
    wait_until(lambda: not Schedule.objects.active().exists())


def test_the_colours_can_be_changed_and_stay(visit):
    page = visit("/admin/")
    page.get_by_role("button", name="Change the colours").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/admin/schedules/run/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
