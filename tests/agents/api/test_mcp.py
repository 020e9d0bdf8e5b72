"""/api/mcp-servers: add, change, test and delete, with the permissions for it."""

import json
import sys

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User

from agents.models import McpServer
from tests.agents.admin.test_mcp import FORM, SERVERS, add
from tests.support.mcp_servers import SCRIPT, a_server
from tests.support.programs import Program, refusal

pytestmark = pytest.mark.django_db
GITHUB = {
    "slug": "github", "name": "GitHub", "transport": "stdio", "command": "npx",
    "arguments": ["-y", "@github/mcp"], "env": {"GITHUB_TOKEN": "${GH_TOKEN}", "LEVEL": "debug"},
}  # fmt: skip
WEB = {"slug": "web", "name": "Web", "transport": "http", "url": "https://x.example/mcp"}
SECRET = "ghp_verysecret"


@pytest.fixture
def api(alice):
    return Program(alice)


@pytest.fixture
def dora(db: None) -> User:
    """An operator without administrator permissions."""
    dora = User.objects.create_user("dora", is_staff=True)
    dora.groups.add(Group.objects.get(name="operator"))
    return dora


def test_a_server_is_added_shown_changed_and_deleted(api, alice):
    created = api.post("/mcp-servers", GITHUB)
    assert created.status_code == 201
    path = created.headers["Location"].removeprefix("/api")
    assert created.json() == api.get(path).json()
    assert {name: created.json()[name] for name in GITHUB} == GITHUB
    assert (created.json()["permission"], created.json()["url"], created.json()["tools"]) == ("ask", None, [])
    changed = api.patch(path, {"enabled": False, "arguments": [], "call_timeout_sec": 5}).json()
    assert (changed["enabled"], changed["arguments"], changed["call_timeout_sec"]) == (False, [], 5)
    assert api.delete(path).status_code == 204
    assert refusal(api.get(path)) == (404, "mcp_server_not_found")
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Added through the API.",
        "Changed arguments, call_timeout_sec, enabled through the API.",
        "Deleted through the API.",
    ]


def test_changing_the_transport_clears_the_fields_of_the_other(api):
    path = f"/mcp-servers/{api.post('/mcp-servers', GITHUB).json()['id']}"
    answer = api.patch(path, {"transport": "http", "url": "https://x.example/mcp"}).json()
    assert (answer["url"], answer["command"], answer["env"]) == ("https://x.example/mcp", None, None)
    server = McpServer.objects.get()
    assert (server.command, server.arguments, server.env) == ("", [], {})


# The same mistakes for the API and for the console's form: body, form, field, message.
WRONG = [
    ({"env": {"GITHUB_TOKEN": SECRET}}, {"env": f"GITHUB_TOKEN={SECRET}"}, "env", "looks like a secret"),
    ({"env": {"no pair": "x"}}, {"env": "no pair=x"}, "env", "name=value"),
    ({"slug": "git__hub"}, {"slug": "git__hub"}, "slug", "lower-case letters"),
    ({"command": ""}, {"command": ""}, "command", "Required for this transport"),
    (
        {"transport": "http", "url": ""},
        {"transport": "http", "url": ""},
        "url",
        "Required for this transport",
    ),
    (WEB | {"url": "ftp://x"}, {"transport": "http", "url": "ftp://x"}, "url", "https://host/mcp"),
    (WEB | {"url": "http://[x"}, {"transport": "http", "url": "http://[x"}, "url", "https://host/mcp"),
    (
        WEB | {"url": f"https://me:{SECRET}@x/mcp"},
        {"transport": "http", "url": f"https://me:{SECRET}@x/mcp"}, "url", "must not contain a user name",
    ),
    (
        WEB | {"url": f"https://x/mcp?api_key={SECRET}"},
        {"transport": "http", "url": f"https://x/mcp?api_key={SECRET}"}, "url", "looks like a secret",
    ),
    (
        WEB | {"headers": {"Authorization": SECRET}},
        {"transport": "http", "url": "https://x/", "headers": f"Authorization: {SECRET}"},
        "headers", "looks like a secret",
    ),
    ({"permission": "deny"}, {"permission": "deny"}, "permission", ""),
    ({"connect_timeout_sec": 0}, {"connect_timeout_sec": "0"}, "connect_timeout_sec", ""),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "form", "field", "message"), WRONG)
def test_the_console_and_the_api_refuse_the_same(api, reader, asked, form, field, message):
    body = asked if "slug" in asked and "name" in asked else GITHUB | asked
    if body.get("transport") == "http":
        body = {name: value for name, value in body.items() if name not in ("command", "arguments", "env")}
    answer = api.post("/mcp-servers", body)
    assert refusal(answer) == (422, "validation_error")
    assert message in answer.json()["fields"][field]
    assert SECRET not in answer.content.decode()
    page = add(reader, FORM | form)
    assert message in page
    assert not McpServer.objects.exists()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"slug": "github2", "name": "GitHub"}, "name"),
        ({"slug": "github", "name": "Other"}, "slug"),
        ({"colour": "red"}, "colour"),
        ({"arguments": "-y"}, "arguments"),
        ({"arguments": [1]}, "arguments.0"),
        ({"env": ["A=b"]}, "env"),
        ({"url": "https://x.example/mcp"}, "url"),
        ({"enabled": "yes"}, "enabled"),
        ({"name": "two\nlines"}, "name"),
    ],
)
def test_a_wrong_field_is_named(api, asked, field):
    a_server(slug="github", name="GitHub")
    answer = api.post("/mcp-servers", GITHUB | {"slug": "new", "name": "New"} | asked)
    assert refusal(answer) == (422, "validation_error")
    assert field in answer.json()["fields"]
    assert McpServer.objects.count() == 1


def test_a_change_is_validated_and_the_short_name_is_fixed(api):
    path = f"/mcp-servers/{api.post('/mcp-servers', GITHUB).json()['id']}"
    before = api.get(path).json()
    for wrong in ({"command": ""}, {"env": {"TOKEN": SECRET}}, {"url": "https://x/"}, {"slug": "other"}):
        answer = api.patch(path, wrong)
        assert refusal(answer) == (422, "validation_error")
        assert list(answer.json()["fields"]) == list(wrong)
    assert api.get(path).json() == before


def test_the_connection_needs_the_permission_to_set_up_servers(api, dora):
    path = f"/mcp-servers/{api.post('/mcp-servers', GITHUB).json()['id']}"
    operator = Program(dora)
    assert refusal(operator.post("/mcp-servers", GITHUB | {"slug": "b", "name": "B"})) == (
        403, "permission_denied",
    )  # fmt: skip
    shown = operator.get(path).json()
    assert [shown[name] for name in ("command", "arguments", "env")] == [None] * 3
    for asked in ({"command": "rm"}, {"env": {}}, {"transport": "http", "url": "https://x/"}):
        answer = operator.patch(path, asked)
        assert refusal(answer) == (403, "permission_denied")
        assert "agents.set_up_mcpserver" in answer.json()["message"]
    assert operator.patch(path, {"enabled": False, "command": "npx"}).json()["enabled"] is False
    assert McpServer.objects.get().command == "npx"


@pytest.mark.parametrize(
    ("method", "path", "body", "permission"),
    [
        ("get", "/mcp-servers", None, "view"),
        ("get", "/mcp-servers/{}", None, "view"),
        ("post", "/mcp-servers", GITHUB, "add"),
        ("patch", "/mcp-servers/{}", {"enabled": False}, "change"),
        ("post", "/mcp-servers/{}/test", None, "change"),
        ("delete", "/mcp-servers/{}", None, "delete"),
    ],
)
def test_each_operation_needs_its_permission(charlie, method, path, body, permission):
    path = path.format(a_server().pk)
    program = Program(charlie)
    arguments = (path,) if body is None else (path, body)
    answer = getattr(program, method)(*arguments)
    assert refusal(answer) == (403, "permission_denied")
    assert f"agents.{permission}_mcpserver" in answer.json()["message"]
    for codename in (f"{permission}_mcpserver", "set_up_mcpserver"):
        charlie.user_permissions.add(Permission.objects.get(codename=codename))
    assert getattr(Program(charlie), method)(*arguments).status_code in (200, 201, 204)


def test_a_test_lists_the_tools_as_new(api):
    created = api.post("/mcp-servers", {
        "slug": "tester", "name": "Tester", "command": sys.executable, "arguments": [str(SCRIPT)],
    }).json()  # fmt: skip
    tested = api.post(f"/mcp-servers/{created['id']}/test").json()
    assert tested["error"] is None
    assert tested["seen_at"]
    assert {tool["state"] for tool in tested["tools"]} == {"new"}
    assert "tester__add" in {tool["offered_as"] for tool in tested["tools"]}


def test_a_failed_test_shows_the_error_without_secrets(api, monkeypatch):
    monkeypatch.setenv("GH_TOKEN", SECRET)
    server = a_server("crash", env={"TOKEN": "${GH_TOKEN}"})
    tested = api.post(f"/mcp-servers/{server.pk}/test")
    assert "exit code 4" in tested.json()["error"]
    assert SECRET not in tested.content.decode()
    assert tested.json() == api.get(f"/mcp-servers/{server.pk}").json()


def test_a_test_runs_outside_a_transaction_with_any_idempotency_key(api, monkeypatch, django_db_blocker):
    from django.db import connection

    from agents.mcp import probe

    depths = []
    monkeypatch.setattr(
        probe, "refresh", lambda server, now: depths.append(len(connection.savepoint_ids)) or ""
    )
    path = f"/mcp-servers/{a_server().pk}/test"
    for headers in ({}, {"idempotency_key": "k"}, {"idempotency_key": "k"}):
        assert api.post(path, **headers).status_code == 200
    assert len(depths) == 3
    assert len(set(depths)) == 1


def test_the_console_shows_the_values_of_the_api(api, reader):
    created = api.post("/mcp-servers", GITHUB).json()
    page = reader.opens(f"{SERVERS}{created['id']}/change/")
    assert "GITHUB_TOKEN=${GH_TOKEN}" in page
    assert json.dumps(created).count("${GH_TOKEN}") == 1
