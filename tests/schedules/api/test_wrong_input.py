"""Wrong input is refused with the field that is wrong, and nothing is half written."""

import pytest
from django.contrib.admin.models import LogEntry

from agents.models import Project
from schedules.models import Pool, Schedule
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule
from tests.support.programs import Program, refusal

A_SCHEDULE = {"name": "Morning report", "prompt": "Report.", "profile": "tester", "cron": "0 9 * * 1-5"}
WRONG = [
    ({"cron": "61 * * * *"}, "cron"),
    ({"cron": "0 0 31 2 *"}, "cron"),
    ({"cron": "* * * * * *"}, "cron"),
    ({"cron": ""}, "cron"),
    ({"cron": None}, "cron"),
    ({"cron": 5}, "cron"),
    ({"cron": "1," * 500}, "cron"),
    ({"cron": None, "interval": "every 5 fortnights"}, "interval"),
    ({"cron": None, "interval": "every 10s"}, "interval"),
    ({"interval": "every 5m"}, "interval"),
    ({"cron": None, "at": "2001-01-01T00:00:00Z"}, "at"),
    ({"cron": None, "at": "2099-01-01T00:00:00"}, "at"),
    ({"cron": None, "at": "tomorrow"}, "at"),
    ({"cron": None, "at": 4102444800}, "at"),
    ({"cron": None, "at": "4102444800"}, "at"),
    ({"timezone": "Mars/Olympus"}, "timezone"),
    ({"timezone": "paris"}, "timezone"),
    ({"timezone": "../../etc/passwd"}, "timezone"),
    ({"name": ""}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"name": None}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"name": "a\ud800b"}, "name"),
    ({"name": "  "}, "name"),
    ({"key": ""}, "key"),
    ({"key": "two words"}, "key"),
    ({"key": "k" * 101}, "key"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": " \n"}, "prompt"),
    ({"profile": "nobody"}, "profile"),
    ({"project": "999"}, "project"),
    ({"project": "abc"}, "project"),
    ({"pool": "nowhere"}, "pool"),
    ({"kind": "cronjob"}, "kind"),
    ({"status": "completed"}, "status"),
    ({"status": "sleeping"}, "status"),
    ({"max_turns": 0}, "max_turns"),
    ({"max_turns": 10_001}, "max_turns"),
    ({"max_turns": "50"}, "max_turns"),
    ({"max_turns": 1.5}, "max_turns"),
    ({"max_turns": True}, "max_turns"),
    ({"max_turns": 10**40}, "max_turns"),
    ({"max_run_duration_sec": 9}, "max_run_duration_sec"),
    ({"max_run_duration_sec": 86_401}, "max_run_duration_sec"),
    ({"max_cost_usd": -1}, "max_cost_usd"),
    ({"max_cost_usd": 0.00001}, "max_cost_usd"),
    ({"max_cost_usd": 1e12}, "max_cost_usd"),
    ({"max_cost_usd": "1_0.5"}, "max_cost_usd"),
    ({"max_cost_usd": "\uff11\uff10"}, "max_cost_usd"),
    ({"max_firings": 0}, "max_firings"),
    ({"max_firings": 2**63}, "max_firings"),
    ({"priority": 11}, "priority"),
    ({"priority": None}, "priority"),
    ({"jitter_sec": -1}, "jitter_sec"),
    ({"misfire_grace_sec": 10**12}, "misfire_grace_sec"),
    ({"max_retries": 11}, "max_retries"),
    ({"overlap_policy": "maybe"}, "overlap_policy"),
    ({"misfire_policy": "maybe"}, "misfire_policy"),
    ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
    ({"ends_at": "2001-01-01T00:00:00Z"}, "ends_at"),
    ({"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}, "ends_at"),
    ({"active_from": "08:00", "active_until": "18:00"}, "active_from"),
    ({"kind": "heartbeat", "active_from": "08:00"}, "active_until"),
    ({"kind": "heartbeat", "active_from": "25:00", "active_until": "18:00"}, "active_from"),
    ({"webhook_url": "javascript:alert(1)"}, "webhook_url"),
    ({"email": "nobody"}, "email"),
    ({"deliver_to_chat": "perhaps"}, "deliver_to_chat"),
    ({"deliver_to_chat": None}, "deliver_to_chat"),
    ({"max_truns": 5}, "max_truns"),
    ({"id": "7"}, "id"),
    ({"next_fire_at": "2030-01-01T00:00:00Z"}, "next_fire_at"),
]


@pytest.fixture
def api(alice):
    a_profile()
    return Program(alice)


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_a_wrong_field_is_named_and_no_schedule_is_made(api, wrong, field):
    answer = api.post("/schedules", A_SCHEDULE | wrong)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [field]
    assert field in answer.json()["message"]
    assert not Schedule.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("wrong", "field"), [row for row in WRONG if row[0] != {"interval": "every 5m"}])
def test_a_wrong_field_leaves_a_schedule_as_it_is(api, wrong, field):
    schedule = a_schedule(clock.now(), cron="0 9 * * 1-5")
    before = Schedule.objects.values().get()
    answer = api.patch(f"/schedules/{schedule.pk}", {"name": "Renamed"} | wrong)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [field]
    assert Schedule.objects.values().get() == before


def test_a_key_belongs_to_one_schedule(api):
    assert api.post("/schedules", A_SCHEDULE | {"key": "am"}).status_code == 201
    answer = api.post("/schedules", A_SCHEDULE | {"key": "am"})
    assert refusal(answer) == (422, "validation_error")
    assert answer.json()["fields"] == {"key": "Another schedule has this key."}
    assert api.post("/schedules", A_SCHEDULE | {"key": None}).status_code == 201


def test_a_key_that_somebody_took_meanwhile_is_refused_too(api, monkeypatch):
    api.post("/schedules", A_SCHEDULE | {"key": "am"})
    monkeypatch.setattr(
        Schedule, "validate_unique", lambda self, exclude=None: None
    )  # it was free when asked
    answer = api.post("/schedules", A_SCHEDULE | {"key": "am"})
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == ["key"]
    assert Schedule.objects.count() == 1


def test_what_is_missing_is_named(api):
    answer = api.post("/schedules", {})
    assert refusal(answer) == (422, "validation_error")
    assert answer.json()["fields"] == {"name": "This field is required.", "prompt": "This field is required."}
    answer = api.post("/schedules", {"name": "A", "prompt": "P", "profile": "tester"})
    assert "Enter when to run" in answer.json()["fields"]["cron"]


@pytest.mark.parametrize("body", [[], 5, "text", [A_SCHEDULE]])
def test_a_body_is_an_object(api, body):
    answer = api.post("/schedules", body)
    assert refusal(answer) == (422, "validation_error")
    assert answer.json()["fields"] == {"body": "Expected a JSON object."}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/schedules?limit=501", "limit"),
        ("/schedules?limit=-1", "limit"),
        ("/schedules?limit=many", "limit"),
        ("/schedules?offset=99999999999999999999", "offset"),
        ("/schedules?status=awake", "status"),
        ("/schedules?search=%00", "search"),
        ("/schedules?stauts=active", "stauts"),
        ("/runs?status=done", "status"),
        ("/runs?forced=perhaps", "forced"),
        ("/runs?since=yesterday", "since"),
        ("/runs?until=2026-01-01T00:00:00", "until"),
        ("/runs?since=1795411465", "since"),
        ("/settings?limit=-1", "limit"),
        ("/settings?kye=a", "kye"),
        ("/firings?outcome=maybe", "outcome"),
        ("/firings?format=xml", "format"),
        ("/firings?format=csv&limti=3", "limti"),
    ],
)
def test_a_wrong_filter_is_named_not_ignored(api, path, field):
    answer = api.get(path)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize("sign", ["%2B", "+"])
def test_the_plus_of_an_offset_need_not_be_escaped(api, sign):
    assert api.get(f"/runs?since=2026-01-01T00:00:00{sign}02:00").status_code == 200


def test_a_name_is_kept_without_the_blanks_around_it(api):
    blanks = {"name": " Report ", "prompt": " Report.\n"}
    made = api.post("/schedules", A_SCHEDULE | blanks).json()["schedule"]
    assert (made["name"], made["prompt"]) == ("Report", " Report.\n")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("next?count=0", "count"),
        ("next?count=101", "count"),
        ("next?cuont=5", "cuont"),
        ("firings?limit=x", "limit"),
    ],
)
def test_a_wrong_parameter_of_one_schedule_is_named(api, path, field):
    answer = api.get(f"/schedules/{a_schedule(clock.now()).pk}/{path}")
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [field]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("execute?queue=perhaps", None, "queue"),
        ("execute?forced=true", None, "forced"),
        ("execute", {"reaosn": "x"}, "reaosn"),
        ("pause", {"reason": 5}, "reason"),
        ("pause", {"reason": "x" * 301}, "reason"),
    ],
)
def test_a_wrong_wish_changes_nothing(api, path, body, field):
    schedule = a_schedule(clock.now())
    answer = api.post(f"/schedules/{schedule.pk}/{path}", body)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [field]
    assert Schedule.objects.get().status == "active"


def test_what_there_is_not_is_answered_with_what_there_is(api):
    project = Project.objects.create(slug="night", name="Night")
    Pool.objects.create(name="heavy", size=1)
    asked = A_SCHEDULE | {"project": "999", "pool": "light"}
    fields = api.post("/schedules", asked).json()["fields"]
    assert fields["project"] == f"There is no project '999'. There are: {project.pk} (Night)."
    assert fields["pool"] == "There is no concurrency pool 'light'. There are: default, heavy."
