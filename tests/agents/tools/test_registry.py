"""The registry, and the tools that a profile is offered."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agents.tools import builtin, registry
from agents.tools.base import Tool
from agents.tools.schema_check import TYPES


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch):
    monkeypatch.setattr(registry, "_tools", {})


def tool(name: str, permission="allow", schema=None) -> Tool:
    return Tool(
        name,
        f"Does {name}.",
        schema or {"type": "object"},
        lambda *_: "",
        permission=permission,
    )


def offered(allowed, permissions=None) -> list[str]:
    return [result.name for result in registry.offered(allowed, permissions or {})]


@pytest.fixture
def three_tools():
    for each in (tool("write"), tool("read"), tool("shell", "deny")):
        registry.register(each)


def test_a_star_offers_what_is_allowed_by_default_in_one_order(three_tools):
    assert offered(["*"]) == ["read", "write"]


def test_named_tools_are_offered_in_the_same_order_however_they_are_named(three_tools):
    assert offered(["write", "read"]) == offered(["read", "write", "read"]) == ["read", "write"]


def test_a_tool_that_is_not_named_is_not_offered(three_tools):
    assert offered(["read"]) == ["read"]
    assert offered([]) == []


def test_a_name_without_a_tool_is_skipped(three_tools):
    assert offered(["read", "gone"]) == ["read"]


def test_a_denied_tool_is_not_offered(three_tools):
    assert offered(["*"], {"write": "deny"}) == ["read"]
    assert offered(["write"], {"write": "deny"}) == []


def test_the_shell_is_offered_only_where_a_profile_permits_it(three_tools):
    assert offered(["shell"]) == []
    assert offered(["shell"], {"shell": "ask"}) == ["shell"]
    assert offered(["*"], {"shell": "allow"}) == ["read", "shell", "write"]


def test_a_permission_for_a_tool_that_is_not_named_offers_nothing(three_tools):
    assert offered(["read"], {"shell": "allow"}) == ["read"]


def test_an_unknown_permission_means_deny(three_tools):
    assert offered(["*"], {"read": "Allow ", "write": "yes"}) == []


def test_a_name_belongs_to_one_tool(three_tools):
    with pytest.raises(ValueError, match="already"):
        registry.register(tool("read"))


@pytest.mark.parametrize("name", ["", "has space", "dotted.name", "x" * 65, "read\n"])
def test_a_malformed_name_is_refused(name):
    with pytest.raises(ValueError, match="not a valid tool name"):
        registry.register(tool(name))


def test_a_tool_is_found_by_its_name_and_an_unknown_one_is_none(three_tools):
    result = registry.get("read")
    assert result is not None
    assert result.name == "read"
    assert registry.get("gone") is None


def test_the_order_of_keys_does_not_change_the_parameters():
    one = tool("a", schema={"type": "object", "properties": {"y": {"type": "string"}, "x": {"type": "null"}}})
    two = tool("a", schema={"properties": {"x": {"type": "null"}, "y": {"type": "string"}}, "type": "object"})
    assert json.dumps(registry.params([one])) == json.dumps(registry.params([two]))


def test_changing_the_parameters_does_not_change_the_tool():
    schema = {"type": "object", "properties": {}}
    described = registry.params([tool("a", schema=schema)])
    described[0]["input_schema"]["properties"]["new"] = {}
    assert schema == {"type": "object", "properties": {}}


def test_the_built_in_tools_can_be_registered_twice():
    builtin.register()
    builtin.register()
    assert registry.names() == [
        "ask_person",
        "edit_file",
        "http_get",
        "list_files",
        "read_file",
        "report",
        "search_files",
        "shell",
        "write_file",
    ]


def test_only_the_shell_is_denied_by_default():
    builtin.register()
    assert set(registry.names()) - set(offered(["*"])) == {"shell"}


CHECKED = {"type", "enum", "properties", "required", "additionalProperties", "items", "description"}
CHECKED |= {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"}


def test_the_built_in_schemas_use_only_what_is_checked():
    def keywords(schema: dict[str, Any]) -> Iterator[str]:
        yield from schema
        for each in schema.get("properties", {}).values():
            yield from keywords(each)

    for each in builtin.BUILTIN:
        assert set(keywords(each.input_schema)) <= CHECKED
        assert each.input_schema["additionalProperties"] is False
        assert all(one["type"] in TYPES for one in each.input_schema["properties"].values())
