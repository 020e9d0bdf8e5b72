"""What the form of a schedule answers while one types: firings, collisions, and what is wrong where."""

import re
from datetime import timedelta

import pytest

from agents.models import Project
from schedules.models import Schedule, Setting
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule

pytestmark = pytest.mark.django_db
PREVIEW = "/admin/schedules/schedule/preview/"


@pytest.fixture
def ask(reader):
    """Send what is typed, as the page does, and read the answer."""

    def asks(schedule: Schedule | None = None, **typed: object) -> str:
        url = f"{PREVIEW}?schedule={schedule.pk}" if schedule else PREVIEW
        return reader.presses(url, **{"when": "", "timezone": "UTC", "prompt": "", "profile": ""} | typed)

    return asks


def fault(reader) -> list[str]:
    return re.findall(r'data-wrong-field="([^"]*)"', reader.html)


def spoken(reader) -> str:
    return re.findall(r'data-spoken="([^"]*)"', reader.html)[0]


@pytest.fixture
def crowd():
    """Two heavy schedules that come due at half past nine."""
    for name in ("Crawler", "Indexer"):
        a_schedule(clock.now(), name=name, cron="30 9 * * *")
    Schedule.objects.update(avg_turns_per_firing=1600)


def test_a_collision_is_told_before_anything_is_saved(ask, reader, crowd):
    words = ask(when="daily at 09:32", max_turns="500")
    assert "Busy at 09:32:" in words
    assert "“Crawler”, “Indexer”" in words
    assert "It collides with other schedules." in spoken(reader)
    assert "Busy" not in ask(when="daily at 14:00", max_turns="500")
    assert Schedule.objects.count() == 2


def test_an_edited_schedule_does_not_collide_with_itself(ask, crowd):
    mine = Schedule.objects.get(name="Crawler")
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")
    assert "Together with “Indexer”." in ask(mine, when="30 9 * * *")
    Schedule.objects.get(name="Indexer").delete()
    assert "Busy" not in ask(mine, when="30 9 * * *")


def test_a_project_shares_the_cap_with_the_others(ask, crowd):
    mine = Project.objects.create(name="Mine", slug="mine")
    assert "Busy" in ask(when="daily at 09:32", project=str(mine.pk), max_turns="500")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"when": "every blue moon"}, "when"),
        ({"when": "0 0 31 2 *"}, "when"),
        ({"when": "2030-13-01 10:00"}, "when"),
        ({"when": "2020-01-01 10:00"}, "when"),
        ({"when": "every 5m", "timezone": "Mars/Olympus"}, "timezone"),
        ({"when": "every 5m", "ends_at": "x"}, "ends_at"),
        ({"when": "every 5m", "starts_at": "2030-01-02T00:00", "ends_at": "2030-01-01T00:00"}, "ends_at"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(ask, reader, typed, field):
    words = ask(**typed)
    assert fault(reader) == [field]
    assert spoken(reader)
    assert "Next firings" not in words


def test_the_gist_is_there_for_those_who_listen(ask, reader):
    ask(when="daily at 9am", timezone="Europe/Berlin")
    assert re.fullmatch(r"At 09:00, every day\. Next: \w+ \d\d \w+ 09:00\.", spoken(reader))
    assert not fault(reader)


def test_a_heartbeat_sleeps_in_its_quiet_hours_in_the_preview_too(ask, reader):
    words = ask(when="0 */4 * * *", kind="heartbeat", active_from="08:00", active_until="13:00")
    shown = set(re.findall(r"\d{4} (\d\d:\d\d)", words))
    assert shown == {"08:00", "12:00"}
    assert "from 08:00 to 13:00" in words
    assert "Next firings" in ask(
        when="0 */4 * * *", kind="heartbeat", active_from="8 o'clock", active_until="25:99"
    )


def test_no_more_firings_are_shown_than_are_left(ask, reader):
    ask(when="every 5m", max_firings="2")
    assert reader.html.count("<li>") == 2
    schedule = a_schedule(clock.now(), max_firings=9)
    Schedule.objects.filter(pk=schedule.pk).update(firing_count=6)
    ask(schedule, when="every 5m", max_firings="9")
    assert reader.html.count("<li>") == 3


def test_numbers_that_are_none_are_left_out(ask, reader):
    for odd in ("x", "9" * 40, "-1", "²", ""):
        words = ask(when="every 5m", max_turns=odd, max_firings=odd, project=odd, profile=odd, jitter_sec=odd)
        assert "Next firings" in words


def test_the_form_itself_opens_with_what_it_would_do(reader, crowd):
    mine = Schedule.objects.get(name="Crawler")
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")
    words = reader.opens(f"/admin/schedules/schedule/{mine.pk}/change/")
    assert "Busy at 09:30:" in words
    assert f'data-preview="{PREVIEW}?schedule={mine.pk}"' in reader.html


def test_a_moment_ago_is_refused_and_a_moment_to_come_fires_once(ask, reader):
    soon = clock.now() + timedelta(days=1)
    words = ask(when=f"{soon:%Y-%m-%d %H:%M}", profile=str(a_profile().pk))
    assert "Once, on" in words
    assert reader.html.count("<li>") == 1
