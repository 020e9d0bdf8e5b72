"""A model's arguments are checked before a tool sees them."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agents.tools.base import ToolError
from agents.tools.schema_check import check

SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1, "maxLength": 5},
        "limit": {"type": "integer", "minimum": 1, "maximum": 10},
        "share": {"type": "number"},
        "append": {"type": "boolean"},
        "level": {"type": "string", "enum": ["low", "high"]},
        "names": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "note": {"type": ["string", "null"]},
        "inner": {"type": "object", "properties": {"deep": {"type": "integer"}}, "required": ["deep"]},
    },
    "required": ["path"],
    "additionalProperties": False,
}


def fault(**arguments) -> str:
    with pytest.raises(ToolError) as raised:
        check(SCHEMA, {"path": "a", **arguments})
    return str(raised.value)


def test_arguments_that_fit_pass():
    check(SCHEMA, {"path": "a", "limit": 10, "share": 1, "append": False, "level": "low"})
    check(SCHEMA, {"path": "a", "names": ["x"], "note": None, "inner": {"deep": 1, "more": 2}})


def test_a_missing_argument_is_named():
    with pytest.raises(ToolError, match=r"arguments\.path is required"):
        check(SCHEMA, {})


def test_an_unknown_argument_is_named_with_the_known_ones():
    assert "arguments.pth is unknown (known: path, limit" in fault(pth="b")


def test_all_faults_are_listed_at_once():
    message = fault(limit="5", level="medium")
    assert "arguments.limit must be an integer, not string" in message
    assert "arguments.level must be one of 'low', 'high'" in message


@pytest.mark.parametrize("value", [True, 1.0, "1", None, math.nan])
def test_only_a_whole_number_is_an_integer(value):
    assert "must be an integer" in fault(limit=value)


@pytest.mark.parametrize("value", [True, "1", math.nan, math.inf])
def test_only_a_finite_number_is_a_number(value):
    assert "must be a number" in fault(share=value)


def test_a_number_is_not_a_boolean():
    assert "must be a boolean" in fault(append=1)


def test_one_of_two_types_is_enough():
    assert "must be a string or a null" in fault(note=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": ""}, "at least 1 characters"),
        ({"path": "abcdef"}, "at most 5 characters"),
        ({"limit": 0}, "at least 1"),
        ({"limit": 11}, "at most 10"),
        ({"names": []}, "at least 1 items"),
        ({"names": ["a", "b", "c"]}, "at most 2 items"),
        ({"names": ["a", 2]}, "arguments.names[1] must be a string"),
        ({"inner": {}}, "arguments.inner.deep is required"),
    ],
)
def test_sizes_and_parts_are_checked(arguments, message):
    assert message in fault(**arguments)


@pytest.mark.parametrize("arguments", [None, [], "path", 3])
def test_arguments_that_are_not_an_object_are_refused(arguments):
    with pytest.raises(ToolError, match=r"must be (an|one complete JSON) object"):
        check(SCHEMA, arguments)


def test_other_keywords_of_mcp_schemas_are_left_to_their_server():
    check({"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}], "format": "uri"}}}, {"a": 1})


def test_true_is_not_the_number_1_in_an_enumeration():
    with pytest.raises(ToolError):
        check({"enum": [1]}, True)


json_values = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=7),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(["path", "limit", "names", "inner", "x"]), inner)
    ),
    max_leaves=8,
)


@given(json_values)
def test_any_value_is_accepted_or_refused_with_a_tool_error(value):
    with suppress(ToolError):
        check(SCHEMA, value)
        assert 1 <= len(value["path"]) <= 5
