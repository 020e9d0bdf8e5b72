"""The parts of a reply: in their order while it streams, after its end, and however it ended."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.protocol.events import ApprovalRequested, ThinkingDelta, ToolFinished, ToolStarted, TurnStarted
from chat.history.parts import Part, PartKind, outline_of, parts_from, text_of
from chat.models import Message
from chat.realtime.resume import resume
from chat.states import MessageStatus
from stagent.lib import clock
from tests.support.builders import NOON
from tests.support.programs import Program
from tests.support.talking import begins, converses, ends, says, writes

pytestmark = pytest.mark.django_db
PIECES = st.one_of(
    st.tuples(st.just(PartKind.TEXT), st.text(min_size=1, max_size=9)),
    st.tuples(st.just(PartKind.THINKING), st.text(min_size=1, max_size=9)),
    st.tuples(st.just(PartKind.TOOL), st.text("ab", min_size=1)),
)


def after(seconds: float):
    return NOON + timedelta(seconds=seconds)


def thinks_and_looks(held) -> None:
    """Think for two seconds, say something, look, think again, say the rest."""
    writes(held, TurnStarted(1), ThinkingDelta(1, "Which "), now=after(1))
    writes(held, ThinkingDelta(1, "runs?"), now=after(2))
    writes(held, "Let me **loo", now=after(3))
    writes(held, "k**.", ToolStarted(1, "c1", "list_runs", {}), now=after(4))
    writes(held, ToolFinished("c1", "list_runs", is_error=False, result="[]", duration_ms=7), now=after(5))
    writes(held, ThinkingDelta(2, "None."), "\n\n*None* ", "failed.", now=after(6))


def told(row) -> list[tuple[str, str | None]]:
    return [
        (part["kind"], part["text"] if part["kind"] != "tool" else part["call_id"]) for part in row["parts"]
    ]


WHOLE = [
    ("thinking", "Which runs?"),
    ("text", "Let me **look**."),
    ("tool", "c1"),
    ("thinking", "None."),
    ("text", "\n\n*None* failed."),
]


def test_thoughts_texts_and_calls_stand_in_their_order_while_it_streams_and_afterwards(bob):
    program, place = Program(bob), says(bob)
    held = begins(place.reply_id)
    thinks_and_looks(held)
    path = f"/conversations/{place.conversation_id}/messages"
    Message.objects.filter(pk=place.reply_id).update(lease_expires_at=clock.now() + timedelta(minutes=30))
    live = program.get(path).json()["items"][1]
    assert (live["status"], told(live), live["parts"][1]["html"]) == ("streaming", WHOLE, None)
    ends(place.reply_id, held.token, after(7))
    row = program.get(path).json()["items"][1]
    assert told(row) == WHOLE
    assert row["text"] == "Let me **look**.\n\n*None* failed."
    assert [part["duration_ms"] for part in row["parts"]] == [2000, None, None, 0, None]
    assert row["parts"][1]["html"] == "<p>Let me <strong>look</strong>.</p>\n"
    assert row["html"] == "".join(part["html"] or "" for part in row["parts"])


def test_a_thought_that_broke_off_is_not_told_twice(bob):
    program, place = Program(bob), says(bob)
    held = begins(place.reply_id)
    writes(held, TurnStarted(1), ThinkingDelta(1, "Which r"))
    writes(held, TurnStarted(1), ThinkingDelta(1, "Which runs?"), ToolStarted(1, "c1", "list_runs", {}))
    writes(held, TurnStarted(2), ThinkingDelta(2, "No"), TurnStarted(2), ThinkingDelta(2, "None."), "None.")
    wanted = [("thinking", "Which runs?"), ("tool", "c1"), ("thinking", "None."), ("text", "None.")]
    snapshot = resume(place.reply_id).snapshot
    assert snapshot
    assert told(snapshot) == wanted
    ends(place.reply_id, held.token, after(7))
    assert told(program.get(f"/messages/{place.reply_id}").json()) == wanted


def test_an_answer_from_before_outlines_is_read_from_its_log(bob):
    place = says(bob)
    held = begins(place.reply_id)
    thinks_and_looks(held)
    ends(place.reply_id, held.token, after(7))
    Message.objects.filter(pk=place.reply_id).update(outline=None)
    row = Program(bob).get(f"/messages/{place.reply_id}").json()
    assert told(row) == WHOLE
    assert row["parts"][4]["html"] == "<p><em>None</em> failed.</p>\n"


def test_a_thought_that_is_broken_off_has_lasted_until_the_end(bob):
    place = says(bob)
    held = begins(place.reply_id)
    writes(held, ThinkingDelta(1, "Hm"), now=after(1))
    ends(place.reply_id, held.token, after(4), MessageStatus.STOPPED)
    row = Program(bob).get(f"/messages/{place.reply_id}").json()
    assert (told(row), row["parts"][0]["duration_ms"], row["html"]) == ([("thinking", "Hm")], 3000, "")


def test_the_days_until_a_person_answers_are_no_thinking(bob):
    place = says(bob)
    held = begins(place.reply_id)
    writes(held, ThinkingDelta(1, "May I?"), now=after(1))
    writes(held, ApprovalRequested("1", "call_1", "send", "tool_call", "Send it?", {}, ""), now=after(3))
    writes(held, ToolStarted(1, "call_1", "send", {}), ToolStarted(1, "call_1", "send", {}), now=after(9000))
    ends(place.reply_id, held.token, after(9001))
    row = Program(bob).get(f"/messages/{place.reply_id}").json()
    assert told(row) == [("thinking", "May I?"), ("tool", "call_1")]
    assert row["parts"][0]["duration_ms"] == 2000


def test_what_is_not_streamed_is_one_text_or_nothing(bob):
    place = says(bob, "**Hi**")
    rows = Program(bob).get(f"/conversations/{place.conversation_id}/messages").json()["items"]
    assert [told(row) for row in rows] == [[("text", "**Hi**")], []]
    assert rows[0]["parts"][0]["html"] is None


def test_who_is_far_behind_gets_the_parts_and_calls_too(bob):
    place = says(bob)
    held = begins(place.reply_id)
    thinks_and_looks(held)
    frame = resume(place.reply_id).snapshot
    assert told(frame) == WHOLE
    assert (frame["text"], frame["tools"][0]["result"]) == ("Let me **look**.\n\n*None* failed.", "[]")


def test_many_thoughtful_answers_take_as_many_queries_as_one(bob, django_assert_max_num_queries):
    program, first = Program(bob), converses(bob)
    for minute in range(5):
        place = says(bob, str(minute), conversation_id=str(first.conversation_id))
        held = begins(place.reply_id)
        thinks_and_looks(held)
        ends(place.reply_id, held.token, after(9))
    program.get("/conversations")
    with django_assert_max_num_queries(7) as asked:
        program.get(f"/conversations/{first.conversation_id}/messages")
    assert not [query for query in asked.captured_queries if "text_delta" in query["sql"]], "no log is read"


@given(st.lists(PIECES, max_size=12))
def test_an_outline_gives_back_every_word(pieces):
    parts = [
        Part(kind, call_id=said) if kind == PartKind.TOOL else Part(kind, [said], since=NOON)
        for kind, said in pieces
    ]
    text = text_of(parts)
    again = parts_from(outline_of(parts, NOON), text)
    assert text_of(again) == text
    assert [(each.kind, each.text, each.call_id) for each in again] == [
        (each.kind, each.text, each.call_id) for each in parts
    ]
