"""What is exported makes the same schedules on an empty install; a file says what it looks like."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from textwrap import dedent, indent

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agents.models import Project
from schedules.models import Pool, Schedule
from schedules.schedule_file import serialize
from schedules.states import MisfirePolicy, OverlapPolicy, ScheduleKind, ScheduleStatus
from stagent.lib import clock
from stagent.lib.names import name_fault
from stagent.lib.text import is_blank
from stagent.lib.yaml_file import reader as reading
from tests.support.builders import a_profile, a_schedule

START = "schedules:\n  - name: Watch\n    profile: tester\n    cron: 0 9 * * *\n    prompt: Look.\n"


@pytest.fixture(autouse=True)
def ground(alice):
    a_profile()
    a_profile("other")
    Project.objects.create(slug="demo", name="Demo")
    Pool.objects.create(name="heavy", size=2)


def export(*options):
    out = StringIO()
    call_command("schedules", "export", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def use(tmp_path):
    """Write a file and do something with it; returns what was printed."""

    def do(verb, text, *options):
        path, out = tmp_path / "schedules.yaml", StringIO()
        path.write_text(text, encoding="utf-8")
        user = ["--as", "alice"] if verb == "apply" else []
        call_command("schedules", verb, str(path), *user, *options, stdout=out, stderr=out)
        return out.getvalue()

    return do


def empty():
    Schedule.objects.all().delete()


def test_past_one_shots_completed_ones_and_namesakes_are_restored(use):
    now = clock.now()
    done = a_schedule(now, name="Once", at=now + timedelta(hours=1))
    a_schedule(now, name="Soon", at=now + timedelta(hours=1))
    for each in (done, a_schedule(now, name="Thrice", interval="5m", max_firings=3)):
        Schedule.objects.filter(pk=each.pk).update(
            status="completed", next_fire_at=None, next_nominal_at=None, firing_count=3
        )
    Schedule.objects.filter(name="Once").update(at=now - timedelta(days=3))
    Schedule.objects.filter(name="Soon").update(at=now - timedelta(hours=2))
    for number in range(3):
        a_schedule(now, name="Twin", prompt=f"Twin {number}.")
    a_schedule(now, name="Twin", project=Project.objects.get(), key="twin-2")
    for name, reason in (("Rests", 'A "rest": until\nMonday'), ("Rests too", "")):
        rests = a_schedule(now, name=name)
        Schedule.objects.filter(pk=rests.pk).update(
            status="paused", paused_reason=reason, next_fire_at=None, next_nominal_at=None
        )
    text = export()
    assert "0 to add, 0 to change, 0 to pause, 9 unchanged." in use("plan", text), "the keys of an export"
    empty()
    assert "9 to add" in use("plan", text)
    assert not Schedule.objects.exists()
    use("apply", text)
    assert export() == text
    assert "0 to add, 0 to change, 0 to pause, 9 unchanged." in use("apply", text)
    soon = Schedule.objects.get(name="Soon")
    assert (soon.status, soon.next_fire_at) == (ScheduleStatus.ACTIVE, soon.at), "the tick finds it due"


def test_a_file_may_outlive_the_one_shots_that_it_names(use):
    now = clock.now()
    once = a_schedule(now, name="Once", at=now + timedelta(hours=1))
    text = export()
    Schedule.objects.filter(pk=once.pk).update(status="completed", next_fire_at=None, next_nominal_at=None)
    assert "0 to add, 0 to change, 0 to pause, 1 unchanged." in use("plan", text)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)
NAMES = WORDS.map(lambda text: text.strip()[:120].strip()).filter(lambda name: not name_fault(name))
PROMPTS = st.text(
    st.one_of(st.sampled_from("\n\n  -:#|>\t'\"&*"), st.characters(codec="utf-8", exclude_characters="\0")),
    min_size=1,
).filter(lambda text: not is_blank(text))


def years(first, last):
    start = datetime(first, 1, 1, tzinfo=UTC)
    return st.timedeltas(timedelta(0), timedelta(days=365) * (last - first)).map(lambda more: start + more)


SOON = years(2027, 2999)
WHEN = st.one_of(
    st.sampled_from(["0 9 * * *", "*/5 8-17 * JAN,MAR L5", "30 2 1 * *", "@daily"]).map(
        lambda c: {"cron": c}
    ),
    st.sampled_from(["every 5m", "90m", "weekdays at 09:30", "every monday 8:00", " 86400s "]).map(
        lambda words: {"interval": words}
    ),
    SOON.map(lambda at: {"at": at}),
)
SIZES = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham"]),
        "starts_at": years(2020, 2026),
        "jitter_sec": st.integers(0, 86_400),
        "max_firings": st.integers(1, 2**31 - 1),
        "priority": st.integers(-10, 10),
        "pool_id": st.just("heavy"),
        "overlap_policy": st.sampled_from(OverlapPolicy.values),
        "misfire_policy": st.sampled_from(MisfirePolicy.values),
        "misfire_grace_sec": st.integers(0, 31_536_000),
        "max_retries": st.integers(0, 10),
        "max_turns": st.integers(1, 10_000),
        "max_run_duration_sec": st.integers(10, 86_400),
        "max_cost_usd": st.decimals(0, 999_999, places=4),
        "deliver_to_chat": st.booleans(),
        "webhook_url": st.just("https://example.org/a?b=c&d=%20#e"),
        "email": st.just("a.b+c@example.org"),
    },
)
HOURS = st.one_of(
    st.just({}),
    st.builds(
        lambda first, last: {"kind": ScheduleKind.HEARTBEAT, "active_from": first, "active_until": last},
        st.times(),
        st.times(),
    ),
)
STATES = st.one_of(
    st.just({}),
    st.just({"status": "completed", "next_fire_at": None, "next_nominal_at": None}),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300).map(
        lambda reason: {
            "status": "paused",
            "paused_reason": reason,
            "next_fire_at": None,
            "next_nominal_at": None,
        }
    ),
)
TRICKY = ["Twin", "08", "yes", "~", "1e3", "<<", "- a: b", "0x1F", "=", "2026-01-01", "#", "a: b", "\xa0b"]
TELLING = st.one_of(NAMES, st.sampled_from(TRICKY).map(str.strip))
PROFILES = st.sampled_from(["tester", "other"])
SCHEDULES = st.lists(
    st.tuples(TELLING, PROMPTS, WHEN, SIZES, HOURS, STATES, st.booleans(), PROFILES), min_size=1, max_size=4
)
NINETY = (
    "08",
    "a\n\n  - b\n",
    {"interval": "90m"},
    {"max_cost_usd": Decimal("0.0001")},
    {},
    {},
    True,
    "tester",
)
DAYTIME = {"kind": "heartbeat", "active_from": time(8), "active_until": time(9, 0, 1)}
TWIN = ("Twin", "\ta \n b\r\n\x07\u2028c", {"cron": "0 9 * * *"}, {}, DAYTIME, {}, False, "other")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCHEDULES)
@example([NINETY])
@example([TWIN] * 3)
def test_every_export_restores_itself(use, rows):
    with transaction.atomic():
        for name, prompt, when, sizes, hours, state, in_project, profile in rows:
            project = Project.objects.get() if in_project else None
            made = a_schedule(
                clock.now(), name=name, prompt=prompt, project=project, profile=a_profile(profile),
                **when, **sizes, **hours,
            )  # fmt: skip
            Schedule.objects.filter(pk=made.pk).update(**state)
        for options in ((), ("--keys",)):
            text = export(*options)
            empty()
            use("apply", text)
            assert export(*options) == text
        transaction.set_rollback(True)


def read(line):
    (entry,) = reading.read(START + indent(dedent(line), "    "), serialize.ROOT)
    return entry.values


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("010", 10), ("0600", 600), ("08", 8), ("+5", 5), ("-3", -3), ("1_000", "1_000"), ("1e3", "1e3"),
        ("0x1F", "0x1F"), ("0o17", "0o17"), ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("0.5", 0.5),
        ("08.5", 8.5), (".inf", ".inf"), ("yes", "yes"), ("No", "No"), ("on", "on"), ("true", True),
        ("2026-12-01", "2026-12-01"), ("17:00", "17:00"), ("~", None), ("null", None), ("", None), ("=", "="),
    ],
)  # fmt: skip
def test_what_is_written_is_what_is_read(spelled, value):
    found = read(f"max_turns: {spelled}\n")["max_turns"]
    assert (found, type(found)) == (value, type(value))


FAULTS = {
    "max_turns: 1_000": (6, "max_turns: Expected a whole number."),
    "max_turns: 1e3": (6, "max_turns: Expected a whole number."),
    "max_turns: 1.5": (6, "max_turns: Expected a whole number."),
    "max_turns: 0x10": (6, "max_turns: Expected a whole number."),
    f"max_firings: {'9' * 5000}": (6, "max_firings: the number is too long."),
    "deliver_to_chat: yes": (6, "deliver_to_chat: Expected true or false."),
    "starts_at: 2026-02-31": (6, "starts_at: "),
    "<<: {max_turns: 5}": (6, reading.NO_MERGING),
    "max_turns: &a 5": (6, reading.NO_ANCHORS),
    "max_turns: *a": (6, reading.NO_ANCHORS),
    "max_turns: !!int '5'": (6, reading.NO_TAGS),
    "max_turns: !!timestamp x": (6, reading.NO_TAGS),
    "max_turns: !!python/object:os.system x": (6, reading.NO_TAGS),
    "max_turns: 5\n    max_turns: 6": (7, "max_turns: this field is repeated; it is first set in line 6."),
    "? [a, b]\n    : c": (6, "The name of a field must be a word, not a list."),
    "max_turns: {a: 1, a: 2}": (6, "a: this field is repeated"),
    "max_turns: [1, 2]": (6, "max_turns: "),
    "max_turns: {a: 1}": (6, "max_turns: "),
    "\tmax_turns: 5": (6, "Indent with spaces, not with tabs."),
    "max_turns: 5\n---\nschedules: []": (7, reading.ONE_DOCUMENT),
    "key: a\x07b": (6, "Write the character U+0007 as an escape in quotes."),
    "key: @a": (6, reading.QUOTES),
    "key: 'a": (7, "unexpected end of stream"),
    "paused_reason: Late": (6, "paused_reason: Only allowed with `status: paused`."),
    "status: paused\n    paused_reason: 5": (7, "paused_reason: Expected text."),
    "status: waiting": (6, "status: Must be one of"),
    f"key: {'[' * 5000}": (1, reading.TOO_DEEP),
}


@pytest.mark.parametrize("verb", ["plan", "apply"])
@pytest.mark.parametrize("line", FAULTS, ids=lambda line: line[:30])
def test_a_surprise_is_a_fault_with_its_line(use, verb, line):
    with pytest.raises(CommandError) as refused:
        use(verb, f"{START}    {line}\n")
    at, said = FAULTS[line]
    assert f"schedules.yaml:{at}: " in str(refused.value)
    assert said in str(refused.value)
    assert not Schedule.objects.exists()


def test_a_file_that_is_too_long_is_refused_and_not_cut(use):
    assert reading.MAX_CHARS == 10_000_000
    text = START.replace("Look.", "x" * 10_000_000)
    with pytest.raises(CommandError, match=r":1: The file has 10,000,080 characters; at most 10,000,000"):
        use("plan", text)


@pytest.mark.parametrize(
    "word", ["yes", "08", "1e3", "1_000", "2026-01-01", "17:00", "null", "=", "<<", "0x1"]
)
def test_other_readers_of_yaml_see_text_where_it_is_text(word):
    assert f"name: '{word}'\n" in serialize.render([{"name": word}])


def test_a_plan_refuses_what_applying_would(use, bob):
    bob.user_permissions.clear()
    with pytest.raises(Exception, match="permission"):
        use("plan", START, "--as", "bob")
    use("apply", START)
    for verb in ("plan", "apply"):
        with pytest.raises(CommandError, match="status: A schedule is completed by the system"):
            use(verb, f"{START}    status: completed\n")
