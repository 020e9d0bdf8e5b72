"""The totals of a run or reply, from its transcript and the ledger, stored by the transaction that ends it.

That transaction (or the one that requeues the run) first revokes the writer token, then charges what a lost
worker left uncharged, then sums up. So no worker has to survive, and no later write changes a total.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Expression, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce, Round

from agents.models import Event, LedgerEntry
from agents.protocol.events import ReplyStarted, TextDelta, ThinkingDelta, TurnFinished
from agents.protocol.usage import Usage, estimate_tokens
from agents.spending import budgets
from agents.spending.budgets import TURNS, Spender
from stagent.lib.db.prepared import Param, Select

MONEY_DIGITS = 8  # of the ledger's column; SQLite sums decimals as floats
SUMS = {
    "input_tokens": Sum(F("input_tokens") + F("cache_read_tokens") + F("cache_write_tokens")),
    "output_tokens": Sum("output_tokens"),
    "cost_usd": Round(Sum("cost_usd"), MONEY_DIGITS),
}


def run_totals() -> dict[str, Expression]:
    """Return the totals of a run as expressions, by column."""
    turns = Event.objects.filter(transcript=OuterRef("transcript"), kind=TurnFinished.kind)
    return {"turn_count": _subquery(turns, "transcript", Count("pk"))} | _charged_totals("run_id")


def message_totals(message_id: int) -> dict[str, Any]:
    """Sum up the usage of a reply, by column."""
    sums = LedgerEntry.objects.filter(message_id=message_id, activity__in=TURNS).aggregate(**SUMS)
    return {name: total or 0 for name, total in sums.items()}


def _charged_totals(owner: str) -> dict[str, Expression]:
    charged = LedgerEntry.objects.filter(**{owner: OuterRef("pk")}, activity__in=TURNS)
    return {name: _subquery(charged, owner, total) for name, total in SUMS.items()}


def _subquery(rows: Any, owner: str, total: Any) -> Expression:
    totals = rows.order_by().values(owner).annotate(total=total).values("total")
    return Coalesce(Subquery(totals), 0)


def charge_unpaid(transcript_id: int, spender: Callable[[], Spender], now: datetime) -> int:
    """Charge the replies that a lost writer of this transcript left uncharged; return how many.

    Call it in the transaction that revoked the writer token. The input is what the provider reported at the
    start of the reply; the output is estimated from the emitted text.
    """
    started = STARTED_REPLIES(transcript_id=transcript_id)
    if not started:
        return 0
    charge_keys = [UUID(event.data["charge_key"]) for event in started]
    charged = set(LedgerEntry.objects.filter(charge_key__in=charge_keys).values_list("charge_key", flat=True))
    unpaid = [
        event for event, charge_key in zip(started, charge_keys, strict=True) if charge_key not in charged
    ]
    for event in unpaid:
        _charge(event, spender(), now)
    return len(unpaid)


STARTED_REPLIES = Select(
    Event.objects.filter(transcript=Param("transcript_id", Event.transcript), kind=ReplyStarted.kind)
    .order_by()
    .only("transcript", "seq", "data")
)


def _charge(event: Event, spender: Spender, now: datetime) -> None:
    started = ReplyStarted.from_data(event.data)
    usage = started.usage
    budgets.charge(
        spender,
        Usage(
            input=usage.input,
            output=max(usage.output, estimate_tokens(_count_chars_after(event))),
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
        ),
        model=started.model,
        now=now,
        provider=started.provider,
        estimated=True,
        charge_key=UUID(started.charge_key),
    )


def _count_chars_after(event: Event) -> int:
    """Return how many characters of the reply that started with this event were emitted."""
    later = Event.objects.filter(transcript=event.transcript_id, seq__gt=event.seq)
    next_seq = later.filter(kind=ReplyStarted.kind).order_by("seq").values_list("seq", flat=True).first()
    deltas = later.filter(kind__in=(TextDelta.kind, ThinkingDelta.kind))
    if next_seq is not None:
        deltas = deltas.filter(seq__lt=next_seq)
    return sum(len(data["text"]) for data in deltas.values_list("data", flat=True))
