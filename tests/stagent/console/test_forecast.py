"""The forecast in the console: what it shows, what another cap changes, and to whom."""

import re
from datetime import timedelta
from html import unescape

import pytest

from schedules.models import Schedule
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule

pytestmark = pytest.mark.django_db
PAGE = "/admin/forecast/"


def later() -> str:
    """Return a daily cron that is hours away: near its instant nothing would be moved."""
    return f"0 {(clock.now().hour + 6) % 24} * * *"


def heavy(name: str, cron: str = "") -> Schedule:
    cron = cron or later()
    schedule = a_schedule(clock.now(), name=name, cron=cron)
    Schedule.objects.filter(pk=schedule.pk).update(avg_duration_ms=600_000, avg_turns_per_firing=300)
    return schedule


def test_it_stands_in_the_navigation_beneath_capacity(reader):
    reader.opens(PAGE)
    assert "Capacity Forecast Slots" in reader.words
    assert f'<a href="{PAGE}" aria-current="page">' in reader.html


def test_an_empty_forecast_says_what_to_do(reader):
    assert "Nothing is due in the next 48 hours" in reader.opens(PAGE)
    assert "/admin/schedules/schedule/add/" in reader.html
    pause(heavy("Asleep").pk, now=clock.now(), reason="Holidays.")
    assert "Nothing is due" in reader.opens(PAGE)


def test_it_adds_up_what_runs_and_waits(reader):
    for number in range(5):
        heavy(f"Heavy {number}")
    words = reader.opens(PAGE)
    assert "Current: cap 2 " in words
    assert "Most at once 2 of 2" in words
    assert "Most waiting 3" in words
    assert "Longest wait 20 min" in words
    assert "Runs a day 5" in words
    assert "Steps a day 1,500" in words


def test_another_cap_is_shown_beside_todays(reader):
    for number in range(5):
        heavy(f"Heavy {number}")
    words = reader.opens(PAGE, cap="3")
    assert "Current: cap 2 " in words
    assert "What if: cap 3 Most at once 3 of 3" in words
    assert words.index("Longest wait 20 min") < words.index("Longest wait 10 min")
    assert reader.html.count('class="cap" x1') == 2


@pytest.mark.parametrize("cap", ["abc", "0", "-1", "1001", "9" * 40, "²"])
def test_a_cap_that_is_none_is_refused_with_the_right_range(reader, cap):
    heavy("Heavy")
    words = reader.opens(PAGE, cap=cap)
    assert reader.answer.status_code == 200
    assert "A cap is a whole number from 1 to 1,000" in words
    assert "What if:" not in words


def test_what_runs_and_waits_now_is_in_the_picture(reader):
    a_running_run(heavy("Busy", cron="0 9 1 1 *"), clock.now())
    a_queued_run(heavy("Patient", cron="0 9 1 1 *"), clock.now())
    reader.opens(PAGE)
    assert "Busy: running now, ends about" in reader.html
    assert "Patient: waiting now, starts any moment" in reader.html


def test_who_may_not_see_schedules_may_not_see_the_forecast(client, bob, charlie):
    heavy("Secret")
    client.force_login(charlie)
    assert client.get(PAGE).status_code == 302
    bob.user_permissions.clear()
    client.force_login(bob)
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


def test_moves_are_shown_with_their_effect_and_made_by_a_click_on_the_ticked(reader):
    for name in ("Crawl", "Digest", "Report"):
        heavy(name)
    words = reader.opens(PAGE)
    assert "Moving 2 schedules by a few minutes" in words
    assert "Busiest five minutes 900 steps → 300 steps" in words
    assert re.search(rf"Crawl At \d\d:00, every day {re.escape(later())} At \d\d:05", words)
    tokens = re.findall(r'name="move" value="([^"]+)" checked', reader.html)
    words = reader.presses(f"{PAGE}stagger/", move=unescape(tokens[0]))
    assert "Moved: Crawl." in words
    crons = sorted(Schedule.objects.values_list("cron", flat=True))
    assert crons == [later(), later(), later().replace("0", "5", 1)]


def test_schedules_that_meet_once_a_week_are_moved_apart_too(reader):
    a_schedule(clock.now(), name="Tomorrow", cron=later())
    then = clock.now() + timedelta(days=4, hours=12)  # at another hour than tomorrow's
    for name in ("Crawl", "Digest"):
        heavy(name, cron=f"*/15 {then.hour} * * {then.isoweekday() % 7}")
    words = reader.opens(PAGE)
    assert "changes the next 7 days like this" in words
    assert "Busiest five minutes 600 steps → 300 steps" in words
    assert re.search(rf"Crawl .* 5-59/15 {then.hour}", words)


def test_nothing_ticked_moves_nothing(reader):
    heavy("Crawl")
    assert "Nothing was chosen" in reader.presses(f"{PAGE}stagger/")


def test_only_who_may_change_schedules_moves_them(client, bob):
    schedules = [heavy(name) for name in ("Crawl", "Digest")]
    bob.user_permissions.remove(*bob.user_permissions.filter(codename="change_schedule"))
    client.force_login(bob)
    page = client.get(PAGE).content.decode()
    assert "Flatten the peaks" in page
    assert 'name="move"' not in page
    token = f"{schedules[0].pk}:5:{later()}"
    assert client.post(f"{PAGE}stagger/", {"move": token}).status_code == 403
    assert client.get(f"{PAGE}stagger/").status_code == 405
    assert set(Schedule.objects.values_list("cron", flat=True)) == {later()}


def test_the_action_of_the_list_asks_about_the_chosen_ones(reader):
    chosen, _ = heavy("Crawl"), heavy("Digest")
    words = reader.presses("/admin/schedules/schedule/", action="stagger", _selected_action=chosen.pk)
    assert "1 selected schedule" in words
    assert f'value="{chosen.pk}:5:{later()}"' in reader.html
    assert reader.html.count('name="move"') == 1


def test_with_very_many_schedules_one_asks_for_the_moves(reader, monkeypatch):
    monkeypatch.setattr("stagent.console.stagger.AT_ONCE", 1)
    heavy("Crawl"), heavy("Digest")
    assert "Find moves" in reader.opens(PAGE)
    assert 'name="move"' not in reader.html
    assert "Moving 1 schedule by a few minutes" in reader.opens(PAGE, flatten="1")
