"""The document says what the API does: every path, every answer, with examples that hold."""

import json
import re

import pytest
from pydantic import TypeAdapter

from agents.api import approvals, ledger
from chat.api.schemas import attachments, conversations, messages
from chat.api.schemas.requests import ConversationChanges, NewConversation, NewMessage
from chat.api.send import SendResult
from schedules.api.changes import Saved
from schedules.api.preview import Preview
from schedules.api.runs import EventRow
from schedules.api.schedules import Execution
from schedules.api.schemas import firings, runs, schedules
from schedules.api.schemas.forecast import ForecastRow, StaggerRow
from schedules.api.schemas.requests import NewSchedule, PreviewRequest, ReasonRequest
from schedules.api.schemas.status import QueuedRow, StatusRow
from schedules.api.schemas.upcoming import Fire
from schedules.api.status import SettingRow
from stagent.api import api

PATHS = {
    "/api/schedules": {"get", "post"},
    "/api/schedules/preview": {"post"},
    "/api/schedules/{schedule_id}": {"get", "patch", "delete"},
    "/api/schedules/{schedule_id}/pause": {"post"},
    "/api/schedules/{schedule_id}/resume": {"post"},
    "/api/schedules/{schedule_id}/execute": {"post"},
    "/api/schedules/{schedule_id}/firings": {"get"},
    "/api/schedules/{schedule_id}/next": {"get"},
    "/api/firings": {"get"},
    "/api/firings/{firing_id}": {"get"},
    "/api/runs": {"get"},
    "/api/runs/{run_id}": {"get"},
    "/api/runs/{run_id}/events": {"get"},
    "/api/runs/{run_id}/cancel": {"post"},
    "/api/runs/{run_id}/retry": {"post"},
    "/api/forecast": {"get"},
    "/api/forecast/stagger": {"get"},
    "/api/mcp-servers": {"get", "post"},
    "/api/mcp-servers/{server_id}": {"get", "patch", "delete"},
    "/api/mcp-servers/{server_id}/test": {"post"},
    "/api/approvals": {"get"},
    "/api/approvals/{approval_id}": {"get"},
    "/api/approvals/{approval_id}/answer": {"post"},
    "/api/conversations": {"get", "post"},
    "/api/conversations/{conversation_id}": {"get", "patch", "delete"},
    "/api/conversations/{conversation_id}/restore": {"post"},
    "/api/conversations/{conversation_id}/messages": {"get", "post"},
    "/api/conversations/{conversation_id}/export": {"get"},
    "/api/attachments": {"post"},
    "/api/attachments/{attachment_id}": {"get", "delete"},
    "/api/messages/{message_id}": {"get"},
    "/api/messages/{message_id}/events": {"get"},
    "/api/messages/{message_id}/stop": {"post"},
    "/api/messages/{message_id}/retry": {"post"},
    "/api/chat/profiles": {"get"},
    "/api/chat/models": {"get"},
    "/api/diagnostics/chat-streams": {"get"},
    "/api/status": {"get"},
    "/api/settings": {"get"},
    "/api/settings/{key}": {"get", "patch"},
    "/api/ledger": {"get"},
}


@pytest.fixture(scope="module")
def document():
    return json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))


def operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_paths_of_the_text_are_there(document):
    found = {path: set(methods) for path, methods in document["paths"].items()}
    assert {path: found.get(path) for path in PATHS} == PATHS


def test_every_reference_leads_somewhere(document):
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]
        assert re.fullmatch(r"[\w.\-]+", reference)


def test_every_operation_has_a_name_of_its_own_a_summary_and_its_refusals(document):
    found = operations(document)
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert operation["description"]
        assert {"401", "403"} <= operation["responses"].keys()
        assert operation["security"]


def test_every_parameter_has_a_name_of_its_own_and_a_meaning(document):
    for operation in operations(document):
        told = [parameter["name"] for parameter in operation.get("parameters", [])]
        assert all(told), operation["operationId"]
        assert len(set(told)) == len(told), operation["operationId"]
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (operation["operationId"], parameter["name"])
            assert parameter["required"] == (parameter["in"] == "path")


def test_running_now_tells_all_its_answers(document):
    responses = document["paths"]["/api/schedules/{schedule_id}/execute"]["post"]["responses"]
    assert responses.keys() == {"200", "202", "400", "401", "403", "404", "409", "422", "429", "503"}
    assert "slot_eta_sec" in document["components"]["schemas"]["CapacityRefusal"]["properties"]


def test_unknown_fields_are_declared_as_refused(document):
    for name in (
        "NewSchedule",
        "ScheduleChanges",
        "PreviewRequest",
        "ReasonRequest",
        "NewMessage",
        "ConversationChanges",
    ):
        assert document["components"]["schemas"][name]["additionalProperties"] is False


@pytest.mark.parametrize(
    "module",
    [
        schedules,
        runs,
        firings,
        approvals,
        ledger,
        conversations,
        messages,
        attachments,
    ],
)
def test_the_examples_of_rows_have_their_fields(module, document):
    name = f"{module.__name__.rpartition('.')[2].partition('_')[0].rstrip('s').title()}Row"
    schema = document["components"]["schemas"][name]
    assert schema["example"] == module.EXAMPLE
    assert module.EXAMPLE.keys() == schema["properties"].keys() == set(schema["required"])


@pytest.mark.parametrize("path", ["/api/status", "/api/schedules", "/api/runs", "/api/firings"])
def test_whoever_polls_is_told_of_304(path, document):
    assert "If-None-Match" in document["paths"][path]["get"]["responses"]["304"]["description"]


ANSWERS = [Saved, Preview, StatusRow, QueuedRow, ForecastRow, StaggerRow, SendResult]


@pytest.mark.parametrize("model", ANSWERS)
def test_the_examples_of_larger_answers_have_all_their_fields(model, document):
    schemas = document["components"]["schemas"]
    assert not list(astray(schemas, schemas[model.__name__], schemas[model.__name__]["example"]))


def astray(schemas, schema, value, place=""):
    """Yield where an example has other fields than its schema, however deep."""
    schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from astray(schemas, schema["items"], item, f"{place}.{number}")
    elif isinstance(value, dict) and "properties" in schema:
        if value.keys() != schema["properties"].keys():
            yield place, value.keys() ^ schema["properties"].keys()
        for name in value.keys() & schema["properties"].keys():
            yield from astray(schemas, schema["properties"][name], value[name], f"{place}.{name}")


@pytest.mark.parametrize("router", ["schedules", "firings", "runs", "install", "approvals", "ledger", "chat"])
def test_every_answer_of_a_schedule_and_its_runs_has_an_example(router, document):
    for operation in operations(document):
        if operation["tags"] == [router]:
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    assert shows(document, content["schema"]), (operation["operationId"], status)


def shows(document, schema):
    """Whether a schema has an example, or is a page of what has one."""
    schema = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    items = schema.get("properties", {}).get("items", {}).get("items")
    return "example" in schema or schema["type"] == "string" or bool(items and shows(document, items))


CHAT = [ConversationChanges, NewConversation, NewMessage, SendResult]


@pytest.mark.parametrize(
    "model", [EventRow, Execution, Fire, NewSchedule, PreviewRequest, SettingRow, ReasonRequest, *CHAT]
)
def test_the_examples_are_valid(model):
    assert TypeAdapter(model).validate_python(model.model_config["json_schema_extra"]["example"])


def test_the_pages_load_only_from_here(client, db):
    page = client.get("/api/docs")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert sources
    assert all(source.startswith("/static/ninja/") for source in sources)
    assert re.search(r'data-csrf-token="\w{64}"', page.content.decode())
    assert client.get("/api/openapi.json").json()["info"]["title"] == "Stagent"
