"""Every page at every width and in both colours: nothing scrolls sideways, everything can be read."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from agents.models import Budget
from agents.protocol.usage import Usage
from agents.runtimes import breaker
from agents.spending import budgets
from agents.states import Activity, FailureReason
from schedules.models import Firing
from schedules.monitoring import detectors
from schedules.states import RunStatus
from schedules.transitions import Ending, finish, pause
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TABLE = "\n".join(f"| {f'{cell} | ' * 30}" for cell in ("Column", "---", "`word`"))
WIDE = f"\n\n{TABLE}\n\n```python\n{'run(1) ' * 90}\n```\n"
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
LISTS = (
    "schedules/schedule", "schedules/run", "schedules/firing", "schedules/slot", "schedules/setting",
    "schedules/pool", "schedules/scheduler", "schedules/delivery", "schedules/notice",
    "chat/conversation", "agents/streamrecord", "agents/approval", "agents/profile", "agents/project",
    "agents/provider", "agents/mcpserver", "agents/ledgerentry", "agents/budget", "agents/modelprice",
    "auth/user", "auth/group", "stagent/apitoken",
)  # fmt: skip
NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea")]
    .filter((e) => e.type !== "hidden")
    .filter((e) => e.checkVisibility() && !e.labels?.length && !e.ariaLabel && !e.title)
    .filter((e) => !e.textContent.trim() && !["submit", "button"].includes(e.type))
    .map((e) => e.outerHTML.slice(0, 120))"""


@pytest.fixture
def pages():
    """A console with something of everything in it; return the addresses of its pages."""
    now = clock.now()
    a_scheduler(now)
    long_name = "A schedule whose name is as long as names become when nobody holds them back, and then some"
    schedule = a_schedule(
        name=long_name, cron="0 9 1 1,4,7,10 *", timezone="America/Argentina/ComodRivadavia"
    )
    failed, claim = a_running_run(schedule, now)
    ending = Ending(
        RunStatus.FAILED, FailureReason.SDK_ERROR, "x" * 300, result="An unbreakable" + "word" * 90 + WIDE
    )
    finish(failed.pk, claim.token, ending, now=now)
    a_running_run(schedule, now)
    a_queued_run(schedule, now)
    weary = a_schedule(name="Weary")
    pause(weary.pk, now=clock.now(), reason="Paused itself: 3 failures in a row, the last one timeout.")
    firing = Firing.objects.create(
        schedule=schedule, schedule_name=schedule.name, kind="scheduled", nominal_at=now - timedelta(hours=1),
        due_at=now, outcome="skipped_overlap", reason="Run 4 is still running.",
    )  # fmt: skip
    Budget.objects.create(scope="install", window="day", max_turns=10)
    budgets.charge(budgets.Spender(Activity.RUN_TURN), Usage(input=1000), model="claude-opus-5-5", now=now)
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", now)
    detectors.detect(now)
    one = f"schedules/schedule/{schedule.pk}"
    rows = (
        f"{one}/change", f"{one}/history", f"{one}/delete", f"schedules/schedule/{weary.pk}/change",
        "schedules/schedule/add", f"schedules/run/{failed.pk}/change", f"schedules/firing/{firing.pk}/change",
        "agents/profile/1/change", "agents/budget/add", "auth/user/add", "password_change",
    )  # fmt: skip
    force = f"/admin/schedules/schedule/force/?ids={schedule.pk}"
    return ["/admin/", "/admin/forecast/?cap=3", force, *(f"/admin/{path}/" for path in (*LISTS, *rows))]


def test_on_a_phone_nothing_scrolls_sideways(visit, pages):
    page = visit("/admin/", phone=True)
    wide = []
    for path in pages:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert not wide


HIDDEN = """() => Math.max(0, ...[...document.querySelectorAll(".results")]
    .map((table) => table.scrollWidth - table.clientWidth))"""


def test_on_a_small_screen_of_a_desk_every_column_and_button_of_a_list_is_in_sight(visit, pages):
    page = visit("/admin/")
    page.set_viewport_size({"width": 1280, "height": 850})
    cut = {}
    for path in pages:
        page.goto(path)
        if (beyond := page.evaluate(HIDDEN)) > 1:
            cut[path] = beyond
    assert not cut


def test_on_a_phone_the_menu_opens_and_leads_on(visit, pages):
    page = visit("/admin/", phone=True)
    menu = page.get_by_role("navigation", name="Console")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_everything_can_be_read_against_its_ground(visit, pages, colours):
    page = visit("/admin/", colours=colours)
    pale = {}
    for path in pages:
        page.goto(path)
        if found := page.evaluate(CONTRAST):
            pale[path] = found
    assert not pale


def test_every_field_has_a_name_and_every_button_says_what_it_does(visit, pages):
    page = visit("/admin/")
    nameless = {}
    for path in pages:
        page.goto(path)
        if found := page.evaluate(NAMELESS):
            nameless[path] = found
    assert not nameless
