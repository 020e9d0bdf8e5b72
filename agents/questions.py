"""Questions that agents put to people: asked, answered, expired or withdrawn, each of them once.

A question belongs to one tool call of one reply. Whoever settles it first settles it; the update believes
that it is open. Nothing that a model may call leads here: only people answer, and the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from agents import conf
from agents.budgets import Spender
from agents.errors import LeaseLost
from agents.models import Question, Transcript
from agents.models.question import QuestionQuerySet
from agents.signals import announce, question_answered, question_asked
from agents.states import QuestionKind, QuestionStatus
from agents.text import storable
from stagent.lib import clock
from stagent.lib.prepared import Given, Select
from stagent.lib.problems import Problem, invalid

ALLOW, DENY = "allow", "deny"
LONGEST_ANSWER = 20_000
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Wanted:
    """A call that may not be made before a person has answered."""

    call_id: str
    tool: str
    arguments: dict[str, Any]
    kind: QuestionKind
    text: str
    card: dict[str, Any] = field(default_factory=dict)


def ask(
    wanted: Sequence[Wanted], *, transcript_id: int, token: UUID, turn: int, spender: Spender, now: datetime
) -> list[Question]:
    """Put the questions of one reply, all or none; `LeaseLost` when the log has another writer."""
    until = now + conf.question_patience()
    with transaction.atomic():
        mine = Transcript.objects.select_for_update(no_key=True).filter(pk=transcript_id, writer_token=token)
        if not mine.exists():
            raise LeaseLost(f"Transcript {transcript_id} has another writer now.")
        asked = [
            Question.objects.create(
                transcript_id=transcript_id,
                turn=turn,
                asked_at=now,
                expires_at=until,
                run_id=spender.run_id,
                message_id=spender.message_id,
                user_id=spender.user_id,
                **vars(want) | {"text": storable(want.text)[:LONGEST_TEXT]},
            )
            for want in wanted
        ]
        for question in asked:
            announce(question_asked, question=question)
    return asked


def answer(
    question_id: int | str, user: User, decision: str, now: datetime | None = None, *, text: str = ""
) -> Question:
    """Settle a question on a person's word: "allow", "deny" or, where words are asked for, these words.

    Answered before, it stays as it is and is returned. `Problem` 404 where it is none of theirs, 409 where
    it is too late, 422 where the decision is none.
    """
    now = now or clock.now()
    question = Question.objects.of(user).filter(pk=_number(question_id)).first()
    if question is None:
        raise Problem(404, "question_not_found", "There is no such question.")
    status, words = _read(question, decision, text)
    in_time = Question.objects.filter(expires_at__gt=now)
    if not _settle(question, status, now, among=in_time, answered_by=user, answer=words):
        _settle(question, QuestionStatus.EXPIRED, now, among=Question.objects.expired(now))
        _refuse_if_too_late(question)
    return question


def expire(now: datetime) -> int:
    """Deny what nobody answered in time; return how many questions that settled."""
    late = Question.objects.expired(now)
    return sum(_settle(question, QuestionStatus.EXPIRED, now, among=late) for question in late)


def withdraw(transcript_id: int, now: datetime | None = None) -> int:
    """Take back the open questions of a run or reply that ends; return how many there were."""
    moment = now or clock.now()
    return sum(_settle(each, QuestionStatus.WITHDRAWN, moment) for each in OPEN(transcript_id=transcript_id))


OPEN = Select(Question.objects.open().filter(transcript_id=Given("transcript_id", Question.transcript)))


def open_of(transcript_id: int) -> QuestionQuerySet:
    """Return the questions of a run or reply that nobody has answered yet."""
    return Question.objects.open().filter(transcript_id=transcript_id)


def asked_by(transcript_id: int) -> dict[str, Question]:
    """Return all questions of a run or reply, by the calls they are about."""
    return {question.call_id: question for question in Question.objects.filter(transcript_id=transcript_id)}


def _settle(
    question: Question,
    status: QuestionStatus,
    now: datetime,
    among: QuestionQuerySet | None = None,
    **how: Any,
) -> bool:
    """Close a question if it is open still, and bring the copy at hand up to date either way."""
    believed = (Question.objects.all() if among is None else among) & Question.objects.open()
    with transaction.atomic():
        changed = believed.filter(pk=question.pk).update(status=status, answered_at=now, **how)
        question.refresh_from_db()
        if changed:
            _note(question)
            announce(question_answered, question=question)
    return bool(changed)


def _note(question: Question) -> None:
    """Write a person's answer into the admin log, through whichever door it came."""
    if question.answered_by_id is not None:
        said: Any = [question]
        LogEntry.objects.log_actions(
            question.answered_by_id, said, CHANGE, change_message=f"{question.status.capitalize()}."
        )


def _read(question: Question, decision: str, text: str) -> tuple[QuestionStatus, str]:
    """Return what the person decided and said."""
    words = storable(text).strip()
    if decision == DENY:
        return QuestionStatus.DENIED, words[:LONGEST_ANSWER]
    if question.kind == QuestionKind.APPROVAL:
        if decision != ALLOW:
            raise invalid({"decision": f"Say {ALLOW} or {DENY}."})
        return QuestionStatus.ALLOWED, words[:LONGEST_ANSWER]
    words = words or ("" if decision == ALLOW else storable(decision).strip())
    if not words:
        raise invalid({"text": "The agent asks for an answer in words."})
    return QuestionStatus.ANSWERED, words[:LONGEST_ANSWER]


def _refuse_if_too_late(question: Question) -> None:
    if question.status == QuestionStatus.EXPIRED:
        raise Problem(409, "question_expired", "Nobody answered in time; the agent went on without.")
    if question.status == QuestionStatus.WITHDRAWN:
        raise Problem(409, "question_withdrawn", "The run or reply that asked has ended.")


def _number(question_id: int | str) -> int:
    said = str(question_id)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0
