"""The totals of a run or reply, from its log and the ledger, written in the transaction that ends it.

That transaction first revokes the writer token, then charges what a dead writer left unpaid, then sums. So no
process has to survive, and no later write changes a total.
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

MONEY_DIGITS = 8  # of the ledger's column; SQLite adds decimals up as floats
SUMS = {
    "input_tokens": Sum(F("input_tokens") + F("cache_read_tokens") + F("cache_write_tokens")),
    "output_tokens": Sum("output_tokens"),
    "cost_usd": Round(Sum("cost_usd"), MONEY_DIGITS),
}


def of_run() -> dict[str, Expression]:
    """Return the totals of a run as expressions, by column."""
    turns = Event.objects.filter(transcript=OuterRef("transcript"), kind=TurnFinished.kind)
    return {"turn_count": _one(turns, "transcript", Count("pk"))} | _spent("run_id")


def spent_on_message(message_id: int) -> dict[str, Any]:
    """Return the totals of a reply, by column of the message."""
    sums = LedgerEntry.objects.filter(message_id=message_id, activity__in=TURNS).aggregate(**SUMS)
    return {name: total or 0 for name, total in sums.items()}


def _spent(owner: str) -> dict[str, Expression]:
    paid = LedgerEntry.objects.filter(**{owner: OuterRef("pk")}, activity__in=TURNS)
    return {name: _one(paid, owner, total) for name, total in SUMS.items()}


def _one(rows: Any, owner: str, total: Any) -> Expression:
    summed = rows.order_by().values(owner).annotate(total=total).values("total")
    return Coalesce(Subquery(summed), 0)


def charge_unpaid(transcript_id: int, spender: Callable[[], Spender], now: datetime) -> int:
    """Charge the replies that a dead writer left unpaid; return how many.

    Call it in the transaction that revoked the writer token. The input is what the provider reported at the
    start, the output is estimated from the shown text.
    """
    begun = BEGUN(transcript_id=transcript_id)
    if not begun:
        return 0
    charge_keys = [UUID(event.data["charge_key"]) for event in begun]
    paid = set(LedgerEntry.objects.filter(charge_key__in=charge_keys).values_list("charge_key", flat=True))
    unpaid = [event for event, charge_key in zip(begun, charge_keys, strict=True) if charge_key not in paid]
    for event in unpaid:
        _charge(event, spender(), now)
    return len(unpaid)


BEGUN = Select(
    Event.objects.filter(transcript=Param("transcript_id", Event.transcript), kind=ReplyStarted.kind)
    .order_by()
    .only("transcript", "seq", "data")
)


def _charge(event: Event, spender: Spender, now: datetime) -> None:
    started = ReplyStarted.from_data(event.data)
    counted = started.usage
    budgets.charge(
        spender,
        Usage(
            input=counted.input,
            output=max(counted.output, estimate_tokens(_shown_after(event))),
            cache_read=counted.cache_read,
            cache_write=counted.cache_write,
        ),
        model=started.model,
        now=now,
        provider=started.provider,
        estimated=True,
        charge_key=UUID(started.charge_key),
    )


def _shown_after(event: Event) -> int:
    """Return the number of characters shown of the reply that started with this event."""
    later = Event.objects.filter(transcript=event.transcript_id, seq__gt=event.seq)
    next_one = later.filter(kind=ReplyStarted.kind).order_by("seq").values_list("seq", flat=True).first()
    shown = later.filter(kind__in=(TextDelta.kind, ThinkingDelta.kind))
    if next_one is not None:
        shown = shown.filter(seq__lt=next_one)
    return sum(len(data["text"]) for data in shown.values_list("data", flat=True))
