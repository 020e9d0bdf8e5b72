"""MCP server files: export, plan and apply, with the rules of the console and the API."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from agents.models import McpServer
from tests.agents.api.test_mcp import GITHUB, SECRET, WEB
from tests.support.mcp_servers import a_server
from tests.support.programs import Program

pytestmark = pytest.mark.django_db

FILE = """\
mcp_servers:
  - slug: github
    name: GitHub
    transport: stdio
    command: npx
    arguments: [-y, "@github/mcp"]
    env:
      GITHUB_TOKEN: ${GH_TOKEN}
      LEVEL: debug
  - slug: web
    name: Web
    transport: http
    url: https://x.example/mcp
    headers: {Authorization: "Bearer ${WEB}"}
    permission: allow
    call_timeout_sec: 90
"""


@pytest.fixture
def run(alice, tmp_path):
    """Run the command on a file with this text; return its output."""

    def run(verb, text, *options):
        path = tmp_path / "servers.yaml"
        path.write_text(text)
        out = StringIO()
        by = ("--as", "alice") if verb == "apply" and "--as" not in options else ()
        call_command("mcpservers", verb, str(path), *by, *options, stdout=out)
        return out.getvalue()

    return run


def export():
    out = StringIO()
    call_command("mcpservers", "export", stdout=out)
    return out.getvalue()


def refused(run, text, *options):
    with pytest.raises(CommandError) as raised:
        run("apply", text, *options)
    assert str(raised.value).endswith("Nothing was changed.")
    return str(raised.value)


def test_a_file_is_planned_and_applied_and_then_nothing_is_left_to_do(run):
    planned = run("plan", FILE)
    assert not McpServer.objects.exists()
    assert run("apply", FILE) == planned
    assert planned.startswith("+ github\n")
    assert "    call_timeout_sec: 90\n" in planned
    assert planned.endswith("2 to add, 0 to change, 0 to disable, 0 unchanged.\n")
    assert run("apply", FILE) == "0 to add, 0 to change, 0 to disable, 2 unchanged.\n"
    github = McpServer.objects.get(slug="github")
    assert (github.arguments, github.env) == (GITHUB["arguments"], GITHUB["env"])
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == [
        "Added through manage.py mcpservers."
    ] * 2


def test_an_export_recreates_the_same_servers(run, alice):
    api = Program(alice)
    for body in (GITHUB, WEB | {"headers": {"Authorization": "Bearer ${WEB}"}, "enabled": False}):
        assert api.post("/mcp-servers", body).status_code == 201
    before, text = list(McpServer.objects.values()), export()
    assert run("plan", text) == "0 to add, 0 to change, 0 to disable, 2 unchanged.\n"
    McpServer.objects.all().delete()
    run("apply", text)
    assert export() == text
    after = list(McpServer.objects.values())
    assert [row | {"id": 0} for row in after] == [row | {"id": 0} for row in before]


def test_a_change_is_listed_by_field_and_missing_fields_get_their_default(run):
    run("apply", FILE)
    output = run(
        "apply", FILE.replace("    call_timeout_sec: 90\n", "").replace("command: npx", "command: uvx")
    )
    assert "~ github\n    command: npx -> uvx\n" in output
    assert "~ web\n    call_timeout_sec: 90 -> 60\n" in output
    assert output.endswith("0 to add, 2 to change, 0 to disable, 0 unchanged.\n")
    assert McpServer.objects.get(slug="web").call_timeout_sec == 60


def test_prune_disables_other_servers_and_deletes_nothing(run):
    a_server(slug="old")
    assert "old" not in run("apply", FILE)
    assert "- old\n    enabled: true -> false\n" in run("apply", FILE, "--prune")
    assert not McpServer.objects.get(slug="old").enabled
    assert run("apply", FILE, "--prune").startswith("0 to add")


def test_check_exits_with_2_if_there_is_something_to_do(run):
    with pytest.raises(SystemExit) as exited:
        run("plan", FILE, "--check")
    assert exited.value.code == 2
    run("apply", FILE)
    run("plan", FILE, "--check")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("LEVEL: debug", f"API_KEY: {SECRET}", 7, "env: API_KEY looks like a secret"),
        ("LEVEL: debug", "LEVEL: 5", 7, "env.LEVEL: Expected text."),
        ("    command: npx\n", "", 2, "command: Required for this transport."),
        (
            "    command: npx\n",
            "    command: npx\n    url: https://x/\n",
            6,
            "url: Not used with the transport stdio",
        ),
        ("slug: web", "slug: we__b", 10, "slug: Use lower-case letters"),
        ("slug: web", "slug: github", 10, "slug: Another server in this file"),
        ("name: Web", "name: GitHub", 11, "name: "),
        ("  - slug: web\n    name", "  - name", 10, "slug: This field is required."),
        ("permission: allow", "permission: deny", 15, "permission: Must be one of"),
        ("permission: allow", "colour: red", 15, "colour: Unknown field."),
        ("mcp_servers:", "servers:", 1, "The file must contain one list, `mcp_servers:`"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_nothing_is_done(run, old, new, line, message):
    assert old in FILE
    output = refused(run, FILE.replace(old, new, 1))
    assert f"servers.yaml:{line}: {message}" in output
    assert SECRET not in output
    assert not McpServer.objects.exists()
    assert not LogEntry.objects.exists()


def test_it_needs_the_permission_to_set_up_servers(run):
    dora = User.objects.create_user("dora", is_staff=True)
    dora.groups.add(Group.objects.get(name="operator"))
    assert "You need the permission agents.set_up_mcpserver." in refused(run, FILE, "--as", "dora")
    assert not McpServer.objects.exists()
    with pytest.raises(CommandError, match="no active user 'nobody'"):
        run("apply", FILE, "--as", "nobody")
