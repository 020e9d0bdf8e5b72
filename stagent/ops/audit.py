"""Compares what several places store about each run and reply; every difference is a bug.

A run's totals, its firing, the ledger, its log, its deliveries and its chat message must agree; so must a
reply, the ledger and its log. The kill drill, the races and `manage.py doctor` use it. Rows deleted by
retention are not missed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db.models import Count, F, Q, Sum

from agents.models import Approval, Event, LedgerEntry, Transcript
from agents.protocol.events import Finished, ReplyStarted, TurnFinished
from agents.spending.budgets import TURNS
from chat.history.parts import parts_of, text_of
from chat.models import Message
from chat.states import MessageStatus
from schedules.models import Delivery, Firing, Run, Slot
from schedules.states import RunStatus
from stagent import chat_delivery

AT_ONCE = 200  # runs or replies that are compared by one set of queries
PENNY = Decimal("0.00000001")
USED = ("input_tokens", "output_tokens", "cost_usd")
NOTHING = {"input_tokens": 0, "output_tokens": 0, "cost_usd": Decimal(0)}


@dataclass(frozen=True)
class Difference:
    """Two places that disagree."""

    of: str  # "run 7", "reply 9"
    what: str
    here: object
    there: object

    def __str__(self) -> str:
        return f"{self.of}: {self.what}: {_short(self.here)}, but {_short(self.there)}"


def differences(since: datetime | None = None) -> Iterator[Difference]:
    """Yield the differences of the runs and replies that ended since then, or of all."""
    ended = Q(finished_at__isnull=False) if since is None else Q(finished_at__gte=since)
    for ids in batched(Run.objects.filter(ended).order_by("pk").values_list("pk", flat=True), AT_ONCE):
        yield from _of_runs(ids)
    replies = Message.objects.replies().filter(ended, run_id=None, delivery_key=None)
    mine = replies.filter(created_at__gte=F("conversation__created_at"))  # not the copies in a fork
    for ids in batched(mine.order_by("pk").values_list("pk", flat=True), AT_ONCE):
        yield from _of_replies(ids)


def _of_runs(ids: Sequence[int]) -> Iterator[Difference]:
    runs = list(Run.objects.filter(pk__in=ids).select_related("firing"))
    logs = [run.transcript_id for run in runs]
    turns, paid = _counts(logs, TurnFinished.kind), _paid("run_id", ids)
    unpaid, open_logs = _unpaid(logs), _open(logs)
    answers = _answers([run.transcript_id for run in runs if run.status == RunStatus.COMPLETED])
    held = set(Slot.objects.filter(run__in=ids).values_list("run_id", flat=True))
    told: dict[int, list[Delivery]] = {}
    for delivery in Delivery.objects.filter(run__in=ids, kind=Delivery.Kind.RESULT):
        told.setdefault(delivery.run_id or 0, []).append(delivery)
    for run in runs:
        name, log = f"run {run.pk}", run.transcript_id
        yield from _compare(name, "steps and finished turns of its log", run.turn_count, turns.get(log, 0))
        yield from _same_usage(name, "the ledger", run, paid.get(run.pk, NOTHING))
        yield from _compare(name, "replies nobody paid for", unpaid.get(log, 0), 0)
        yield from _compare(name, "ended, and may be written to", log in open_logs, False)
        yield from _compare(name, "ended, and holds a slot", run.pk in held, False)
        if run.firing:
            yield from _same_firing(name, run, run.firing)
        if log in answers:
            yield from _compare(name, "its result and the answer in its log", run.result, answers[log])
        yield from _same_deliveries(name, run, told.get(run.pk, []))


def _of_replies(ids: Sequence[int]) -> Iterator[Difference]:
    replies = list(Message.objects.filter(pk__in=ids))
    logs = [reply.transcript_id for reply in replies if reply.transcript_id]
    paid, unpaid, open_logs, parts = _paid("message_id", ids), _unpaid(logs), _open(logs), parts_of(logs)
    answered = _answers(logs)
    for reply in replies:
        name, log = f"reply {reply.pk}", reply.transcript_id or 0
        yield from _same_usage(name, "the ledger", reply, paid.get(reply.pk, NOTHING))
        yield from _compare(name, "replies nobody paid for", unpaid.get(log, 0), 0)
        yield from _compare(name, "ended, and may be written to", log in open_logs, False)
        yield from _compare(name, "its text and its log", reply.text, text_of(parts.get(log, [])))
        if log in answered and reply.status == MessageStatus.INTERRUPTED:
            yield Difference(name, "the answer is whole", "interrupted", answered[log])


def _same_usage(name: str, where: str, owner: Run | Message, there: dict[str, Any]) -> Iterator[Difference]:
    for column in USED:
        here, expected = getattr(owner, column), there[column]
        if abs(Decimal(here) - Decimal(expected)) > PENNY:  # SQLite adds decimals up as floats
            yield Difference(name, f"{column} and {where}", here, expected)


def _same_firing(name: str, run: Run, firing: Firing) -> Iterator[Difference]:
    yield from _compare(name, "its end and its firing's", run.finished_at, firing.completed_at)
    for column in ("turn_count", "failure_reason"):
        yield from _compare(name, f"{column} and its firing's", getattr(run, column), getattr(firing, column))
    used = {column: getattr(firing, column) or 0 for column in USED}
    if run.unpriced_turns:
        yield from _compare(name, "a cost that is not known, and its firing's", None, firing.cost_usd)
        used["cost_usd"] = run.cost_usd
    yield from _same_usage(name, "its firing's", run, used)


def _same_deliveries(name: str, run: Run, told: list[Delivery]) -> Iterator[Difference]:
    """Compare a run with its deliveries and its chat message."""
    channels = [delivery.channel for delivery in told]
    yield from _compare(name, "channels told of it, each once", sorted(channels), sorted(set(channels)))
    expected = {
        "status": run.status,
        "failure_reason": run.failure_reason or None,
        "result": run.result,
        "result_partial": run.result_partial,
        "turn_count": run.turn_count,
        "cost_usd": None if (cost := run.known_cost) is None else float(cost),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }
    for delivery in told:
        whose = f"{delivery.channel} delivery {delivery.pk}"
        for field, value in expected.items():
            yield from _compare(name, f"{field} and that in {whose}", value, delivery.payload.get(field))
        if (delivery.channel, delivery.status) == (Delivery.Channel.CHAT, Delivery.Status.DELIVERED):
            yield from _same_message(name, delivery)


def _same_message(name: str, delivery: Delivery) -> Iterator[Difference]:
    result = chat_delivery.result_of(delivery)
    message = Message.objects.filter(delivery_key=result.key).first()
    if message is not None:  # a person may have deleted it, or be gone
        yield from _compare(name, "the message in the chat", message.text, result.text)
        yield from _compare(name, "the run of the message in the chat", message.run_id, result.run_id)


def _counts(logs: Sequence[int], kind: str) -> dict[int, int]:
    rows = Event.objects.filter(transcript__in=logs, kind=kind).order_by().values_list("transcript")
    return dict(rows.annotate(Count("pk")))


def _paid(owner: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = LedgerEntry.objects.filter(**{f"{owner}__in": ids}, activity__in=TURNS).order_by().values(owner)
    sums = rows.annotate(
        read=Sum(F("input_tokens") + F("cache_read_tokens") + F("cache_write_tokens")),
        written=Sum("output_tokens"),
        cost=Sum("cost_usd", default=0),
    )
    return {
        row[owner]: {"input_tokens": row["read"], "output_tokens": row["written"], "cost_usd": row["cost"]}
        for row in sums
    }


def _unpaid(logs: Sequence[int]) -> dict[int, int]:
    """Count the started replies of each log that are not in the ledger."""
    begun = Event.objects.filter(transcript__in=logs, kind=ReplyStarted.kind)
    charge_keys = [(log, data["charge_key"]) for log, data in begun.values_list("transcript", "data")]
    found: dict[int, int] = {}
    for some in batched(charge_keys, AT_ONCE):
        entries = LedgerEntry.objects.filter(charge_key__in=[charge_key for _, charge_key in some])
        paid = {charge_key.hex for charge_key in entries.values_list("charge_key", flat=True) if charge_key}
        for log, charge_key in some:
            if charge_key not in paid:
                found[log] = found.get(log, 0) + 1
    return found


def _open(logs: Sequence[int]) -> set[int]:
    """Return the logs with a writer or an open approval."""
    writable = Transcript.objects.filter(pk__in=logs).exclude(writer_token=None)
    asking = Approval.objects.open().filter(transcript__in=logs)
    return {*writable.values_list("pk", flat=True), *asking.values_list("transcript", flat=True)}


def _answers(logs: Iterable[int]) -> dict[int, str]:
    """Return the answers that the engine wrote last, by log."""
    ends = Event.objects.filter(transcript__in=logs, kind=Finished.kind).order_by("seq")
    last = dict(ends.values_list("transcript", "data"))
    return {log: data["text"] for log, data in last.items() if data["outcome"] == "completed"}


def _compare(name: str, what: str, here: object, there: object) -> Iterator[Difference]:
    if here != there:
        yield Difference(name, what, here, there)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:60]} … {text[-40:]} ({len(text)} characters)"
