"""Schedules as a file: what it says becomes so, wholly or not at all, and nothing else is touched."""

import re
from io import StringIO
from textwrap import dedent

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command

from agents.models import Project
from schedules.models import Pool, Schedule
from schedules.states import ScheduleStatus
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule

FILE = """\
    schedules:
      - name: Morning report
        project: demo
        profile: tester
        interval: weekdays at 17:00
        timezone: Europe/Berlin
        max_turns: 120
        prompt: |
          Say what ran.
          Half a page.
      - name: Watch
        profile: tester
        cron: "*/5 * * * *"
        kind: heartbeat
        active_from: 08:00
        active_until: 17:30
        max_cost_usd: 0.05
        prompt: Look around.
    """


@pytest.fixture(autouse=True)
def ground(db):
    a_profile()
    Project.objects.create(slug="demo", name="Demo")


@pytest.fixture
def command(tmp_path, alice):
    """Write a file and do something with it; returns what was printed."""

    def do(verb, text="", *options):
        path = tmp_path / "schedules.yaml"
        path.write_text(dedent(text))
        out = StringIO()
        user = ["--as", "alice"] if verb == "apply" else []
        call_command("schedules", verb, str(path), *user, *options, stdout=out, stderr=out)
        return out.getvalue()

    return do


def export():
    out = StringIO()
    call_command("schedules", "export", stdout=out)
    return out.getvalue()


def state():
    return list(Schedule.objects.order_by("pk").values())


def test_a_file_makes_schedules_that_belong_to_who_applied_it(command, alice):
    said = command("apply", FILE)
    assert "2 to add, 0 to change, 0 to pause, 0 unchanged." in said
    report, watch = Schedule.objects.order_by("name")
    assert (report.name, report.cron, report.timezone, report.owner) == (
        "Morning report", "0 17 * * 1-5", "Europe/Berlin", alice,
    )  # fmt: skip
    assert (report.project.slug, report.prompt, report.max_turns) == (
        "demo", "Say what ran.\nHalf a page.\n", 120,
    )  # fmt: skip
    assert (str(watch.active_until), str(watch.max_cost_usd)) == ("17:30:00", "0.0500")
    assert LogEntry.objects.filter(user=alice, change_message__contains="manage.py schedules").count() == 2


def test_applying_twice_changes_nothing_the_second_time(command):
    command("apply", FILE)
    before = state()
    assert "0 to add, 0 to change, 0 to pause, 2 unchanged." in command("apply", FILE)
    assert state() == before
    assert LogEntry.objects.count() == 2


def test_what_is_exported_and_applied_again_changes_nothing(command):
    now = clock.now()
    Pool.objects.create(name="heavy", size=2)
    project = Project.objects.get(slug="demo")
    a_schedule(now, name="Plain")
    a_schedule(now, name="Plain", project=project, prompt="Two lines:\n\n  one\n  two: yes\n")
    a_schedule(now, name="Ninety", interval="90m", jitter_sec=30, pool_id="heavy", priority=-3)
    a_schedule(now, name="Once", at=now.replace(year=now.year + 1, microsecond=0), max_retries=0)
    a_schedule(now, name="#1: yes", cron="0 8 * * *", email="a@example.org", deliver_to_chat=False)
    pause(
        a_schedule(now, name="Rests", max_cost_usd="1.5", ends_at=now.replace(year=2999)).pk,
        now=clock.now(),
        reason="a rest",
    )
    words = a_schedule(now, name="No words", interval="90m")
    Schedule.objects.filter(pk=words.pk).update(interval="")
    before = state()
    assert "0 to add, 0 to change, 0 to pause, 7 unchanged." in command("apply", export(), "--prune")
    assert state() == before


def test_an_export_is_in_one_order_on_every_database(db):
    project = Project.objects.create(slug="alpha", name="Alpha")
    for name, where in (("b", project), ("a", project), ("c", None), ("B", None)):
        a_schedule(name=name, project=where)
    names = [line.removeprefix("  - name: ") for line in export().splitlines() if "- name: " in line]
    assert names == ["B", "c", "a", "b"]


def test_an_export_leaves_the_defaults_out(db):
    a_schedule(name="Plain", interval="every 5m")
    assert "priority" not in export()
    assert "- name: Plain\n    profile: tester\n    interval: every 5m\n" in export()


def test_a_plan_shows_old_and_new_and_writes_nothing(command):
    command("apply", FILE)
    before = state()
    changed = FILE.replace("max_turns: 120", "max_turns: 200").replace("weekdays at 17:00", "daily at 9am")
    changed = changed.replace("Half a page.", "One page.").replace("max_cost_usd: 0.05\n", "priority: 2\n")
    said = command("plan", changed)
    for line in (
        "~ Morning report (demo)",
        "    interval: weekdays at 17:00 -> daily at 9am",
        "    max_turns: 120 -> 200",
        "      - Half a page.",
        "      + One page.",
        "    max_cost_usd: 0.05 -> (default)",
        "    priority: (default) -> 2",
        "0 to add, 2 to change, 0 to pause, 0 unchanged.",
    ):
        assert f"{line}\n" in said
    assert state() == before


def test_a_check_tells_by_its_exit_code(command):
    with pytest.raises(SystemExit) as left:
        command("plan", FILE, "--check")
    assert left.value.code == 2
    command("apply", FILE)
    command("plan", FILE, "--check")


def test_a_change_keeps_what_the_file_does_not_speak_of(command):
    command("apply", FILE)
    Schedule.objects.filter(name="Watch").update(firing_count=7, failure_streak=2)
    watch = Schedule.objects.get(name="Watch")
    command("apply", FILE.replace("Look around.", "Look well."))
    after = Schedule.objects.get(name="Watch")
    assert (after.pk, after.firing_count, after.failure_streak) == (watch.pk, 7, 2)
    assert (after.prompt, after.next_fire_at) == ("Look well.", watch.next_fire_at)
    assert LogEntry.objects.first().change_message.startswith("Changed prompt.")


def test_a_schedule_that_paused_itself_stays_paused_unless_the_file_says_active(command):
    command("apply", FILE)
    pause(Schedule.objects.get(name="Watch").pk, now=clock.now(), reason="Three failures in a row.")
    command("apply", FILE)
    assert Schedule.objects.get(name="Watch").status == ScheduleStatus.PAUSED
    said = command("apply", FILE.replace("kind: heartbeat", "kind: heartbeat\n        status: active"))
    assert "    status: paused -> (default)" not in said
    assert "    status: paused -> active" in said
    assert Schedule.objects.get(name="Watch").status == ScheduleStatus.ACTIVE


def test_pruning_pauses_what_the_file_does_not_name_and_only_if_asked(command):
    other = a_schedule(clock.now(), name="Other")
    command("apply", FILE)
    assert Schedule.objects.get(pk=other.pk).status == ScheduleStatus.ACTIVE
    assert "- Other\n    status: active -> paused\n" in command("plan", FILE, "--prune")
    command("apply", FILE, "--prune")
    other.refresh_from_db()
    assert (other.status, other.paused_reason) == (ScheduleStatus.PAUSED, "The file does not contain it.")


@pytest.mark.parametrize(
    ("was", "becomes", "line", "said"),
    [
        ("max_turns: 120", "max_turn: 120", 7, "max_turn: Unknown field."),
        ("max_turns: 120", "max_turns: many", 7, "max_turns: "),
        ("max_turns: 120", "max_turns: 0", 7, "max_turns: "),
        ("interval: weekdays at 17:00", "cron: 61 * * * *", 5, "cron: '61' does not fit the minute"),
        ("interval: weekdays at 17:00\n", "priority: 1\n", 2, "cron: Enter when to run"),
        ("max_turns: 120", "cron: 0 9 * * *", 5, "Set cron or interval, not both"),
        ("Europe/Berlin", "Europe/Berlino", 6, "timezone: "),
        ("profile: tester\n        cron", "profile: me\n        cron", 12, "There is no profile 'me'."),
        ("project: demo", "project: damo", 3, "project: There is no project 'damo'. There are: demo."),
        ("name: Watch", "name: Morning report\n        project: demo", 11, "name: Another schedule"),
        ("max_turns: 120", "name: Twice", 7, "name: this field is repeated; it is first set in line 2."),
        ('"*/5 * * * *"', "*/5 * * * *", 13, "Quote text"),
        ("active_until: 17:30\n", "jitter_sec: 1\n", 11, "active_until: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_nothing_is_written(command, was, becomes, line, said):
    assert was in FILE
    with pytest.raises(CommandError) as refused:
        command("apply", FILE.replace(was, becomes))
    told = str(refused.value)
    assert f"schedules.yaml:{line}: " in told
    assert said in told
    assert told.endswith("Nothing was changed.")
    assert not Schedule.objects.exists()


def test_all_mistakes_are_told_at_once(command):
    with pytest.raises(CommandError) as refused:
        command("plan", FILE.replace("max_turns: 120", "max_turns: 0").replace("kind: heartbeat", "kind: x"))
    assert str(refused.value).count("schedules.yaml:") == 2


def test_what_fails_late_takes_back_what_went_before(command, bob):
    bob.user_permissions.clear()
    with pytest.raises(Exception, match="permission"):
        command("apply", FILE, "--as", "bob")
    assert not Schedule.objects.exists()


KEYED = FILE.replace("name: Watch", "name: Watch\n        key: watch")


def test_what_has_a_key_is_renamed_and_keeps_its_identity(command):
    command("apply", KEYED)
    watch = Schedule.objects.get(key="watch")
    renamed = KEYED.replace("name: Watch", "name: Look around\n        project: demo")
    said = command("plan", renamed)
    assert "~ Watch\n    name: Watch -> Look around\n    project: (default) -> demo\n" in said
    assert "0 to add, 1 to change, 0 to pause, 1 unchanged." in command("apply", renamed, "--prune")
    after = Schedule.objects.get(key="watch")
    assert (after.pk, after.name, after.project.slug) == (watch.pk, "Look around", "demo")
    assert (after.status, after.next_fire_at) == (ScheduleStatus.ACTIVE, watch.next_fire_at)
    assert "2 unchanged." in command("apply", renamed)


def test_a_key_is_taken_on_by_the_schedule_of_that_name(command):
    command("apply", FILE)
    watch = Schedule.objects.get(name="Watch")
    assert "~ Watch\n    key: (default) -> watch\n" in command("apply", KEYED)
    assert Schedule.objects.get(key="watch").pk == watch.pk
    assert "~ Watch\n    key: watch -> (default)\n" in command("apply", FILE)


def test_two_may_trade_their_names(command):
    both = KEYED.replace("report\n        project: demo", "report\n        key: am")
    command("apply", both)
    was = dict(Schedule.objects.values_list("key", "pk"))
    traded = both.replace("Watch", "?").replace("Morning report", "Watch").replace("?", "Morning report")
    assert "0 to add, 2 to change" in command("apply", traded)
    assert dict(Schedule.objects.values_list("key", "pk")) == was
    assert Schedule.objects.get(key="am").name == "Watch"


def test_an_old_name_may_be_given_to_a_new_schedule(command):
    command("apply", KEYED)
    watch = Schedule.objects.get(key="watch")
    fresh = "  - name: Watch\n        profile: tester\n        cron: 0 9 * * *\n        prompt: New.\n    "
    renamed = FILE.replace("  - name: Watch\n", fresh + "  - name: Older\n        key: watch\n")
    assert "1 to add, 1 to change" in command("apply", renamed)
    assert Schedule.objects.get(name="Older").pk == watch.pk


def test_an_export_with_keys_gives_one_to_each(command):
    a_schedule(clock.now(), name="Night & day")
    a_schedule(clock.now(), name="Night day")
    out = StringIO()
    call_command("schedules", "export", "--keys", stdout=out)
    assert "- name: Night & day\n    key: night-day\n" in out.getvalue()
    assert "- name: Night day\n    key: night-day-2\n" in out.getvalue()
    assert set(Schedule.objects.values_list("key", flat=True)) == {None}, "an export writes nothing here"
    command("apply", out.getvalue())
    assert "0 to change, 0 to pause, 2 unchanged" in command("apply", out.getvalue())
    assert set(Schedule.objects.values_list("key", flat=True)) == {"night-day", "night-day-2"}


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("max_turns: 120", "key: watch", "key: Another schedule of this file has this key."),
        ("key: watch", "key: two words", "key: "),
        ("key: watch", "key: [a]", "key: "),
    ],
)
def test_a_wrong_key_is_told(command, was, becomes, said):
    with pytest.raises(CommandError) as refused:
        command("apply", KEYED.replace(was, becomes))
    assert said in str(refused.value)
    assert not Schedule.objects.exists()


def test_which_of_two_namesakes_is_meant_has_to_be_said(command):
    for key in ("one", "two"):
        Schedule.objects.filter(pk=a_schedule(clock.now(), name="Watch").pk).update(key=key)
    assert "2 unchanged." in command("plan", export())
    with pytest.raises(CommandError, match="identify them by `key`"):
        command("plan", FILE)


def test_collisions_are_told(command):
    for number in range(3):
        heavy = a_schedule(clock.now(), name=f"Heavy {number}", cron="0 * * * *")
        Schedule.objects.filter(pk=heavy.pk).update(avg_turns_per_firing=2900)
    said = command(
        "apply", FILE.replace("weekdays at 17:00", "hourly").replace("project: demo", "priority: 1")
    )
    assert re.search(
        r"! Morning report: At \d\d:00, “Heavy 1” would wait about 20 min for one of 2 slots: ", said
    )
