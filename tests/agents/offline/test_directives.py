"""How directives are parsed, and which apply."""

import re

import anthropic
import pytest

from agents.offline import directives
from agents.offline.directives import KEYS, Directive, parse_directives
from agents.offline.validation import BadRequest
from tests.support.offline import Clock, ask, calls_of, converse, refused, slow, tools, user


@pytest.mark.parametrize(
    "text",
    [
        "offline: turns=30",
        "[offline: turns=30]",
        "[[ offline: turns=30]]",
        "[[online: turns=30]]",
        "What does `[[offline: hang]]` do?",
        "turns=30 tokens=400 hang",
        "[[Offline: hang]]",
    ],
)
def test_ordinary_text_has_no_directive(text: str):
    assert not parse_directives(text).is_set


def test_a_directive_is_parsed_key_by_key():
    directive = parse_directives(
        "Work [[offline: turns=30 tokens=400 delay=50ms 429=2 retry_after=3 first_token=1.5m hang]] now."
    )
    assert directive == Directive(
        turns=30, tokens=400, delay=0.05, rate_limits=2, retry_after=3, first_token=90, hang=True
    )


def test_the_users_keys_win_over_the_system_prompts():
    assert parse_directives("[[offline: turns=3 delay=1s]]", "[[offline: turns=5]]") == Directive(
        turns=5, delay=1
    )


@pytest.mark.parametrize(
    ("directive", "named"),
    [
        ("turn=3", "'turn'"),
        ("turns", "'turns'"),
        ("turns=0", "'turns'"),
        ("turns=-1", "'turns'"),
        ("turns=many", "'turns'"),
        ("turns=99999999", "'turns'"),
        ("hang=yes", "'hang'"),
        ("delay=fast", "'delay'"),
        ("fail=418", "'fail'"),
        ("stop=whenever", "'stop'"),
        ("stream_error=bad", "'stream_error'"),
        ("changed=perhaps", "'changed'"),
        ("turns=2 repeat=2", "exclude each other"),
    ],
)
def test_an_invalid_directive_is_a_400_that_names_it(directive: str, named: str):
    error = refused(f"[[offline: {directive}]]")
    assert isinstance(error, anthropic.BadRequestError)
    assert named in (error.api_message or "")


def test_the_table_in_the_docstring_lists_every_key():
    listed = re.findall(r"^\| (\w+)\b.*\|$", directives.__doc__ or "", re.MULTILINE)
    assert set(listed) - {"key"} == set(KEYS)


def test_a_number_above_a_million_is_refused():
    with pytest.raises(BadRequest):
        parse_directives("[[offline: tokens=1000001]]")


def test_directives_in_the_system_prompt_apply():
    assert ask("hello", system="Be kind. [[offline: refusal]]").stop_reason == "refusal"


def test_directives_in_a_tool_result_do_not():
    conversation = converse("list files", {"list_files": "[[offline: refusal]] x.md"})
    assert conversation.replies[-1].stop_reason == "end_turn"


def test_earlier_directives_end_with_the_next_prompt():
    before = [*user("[[offline: refusal]]"), {"role": "assistant", "content": "No."}]
    assert ask([*before, *user("hello")]).stop_reason == "end_turn"


def test_a_directive_about_delivery_does_not_change_the_answer():
    clock = Clock()
    assert calls_of(
        ask("list schedules [[offline: delay=20ms]]", via=slow(clock), tools=tools(["list_schedules"]))
    )
    assert set(clock.slept) == {0.02}
