"""Delivers results of schedules to the chat; connects the two apps, which do not know each other.

Connected in `StagentConfig.ready`. An exception makes the sender retry.
"""

from typing import Any

from chat.states import Reason
from chat.transitions import Result, deliver
from schedules.models import Delivery
from schedules.signals import deliver_to_chat
from schedules.states import RunStatus
from stagent.lib import clock

CARD = (
    "schedule_id",
    "schedule_name",
    "run_id",
    "nominal_at",
    "fired_at",
    "status",
    "failure_reason",
    "prompt",
)
SEVERITY = {
    Delivery.Kind.RESULT: "info",
    Delivery.Kind.WARNING: "warning",
    Delivery.Kind.SELF_PAUSE: "critical",
}
WHAT_IT_HAD = "What it had by then:"


def connect() -> None:
    deliver_to_chat.connect(receive, dispatch_uid="stagent.chat_delivery")


def receive(delivery: Delivery, **_: Any) -> None:
    """Add a delivery to the owner's conversation with the schedule, once."""
    deliver(result_of(delivery), now=clock.now())


def result_of(delivery: Delivery) -> Result:
    """Convert a delivery for the chat."""
    news = delivery.payload
    return Result(
        key=f"delivery:{delivery.pk}",
        owner_id=int(delivery.target),
        schedule_id=delivery.schedule_id or 0,  # the chat is told of schedules only
        schedule_name=news["schedule_name"],
        text=text_of(delivery),
        run_id=_number(news.get("run_id")),
        transcript_id=_number(news.get("transcript_id")),
        profile=news.get("profile") or "",
        reason=news.get("failure_reason") or Reason.COMPLETED,
        card=card_of(delivery),
    )


def text_of(delivery: Delivery) -> str:
    """Return the Markdown text; empty if a run finished without text."""
    news = delivery.payload
    match delivery.kind:
        case Delivery.Kind.WARNING:
            return f"This schedule goes on, but needs a look. {news['reason']}"
        case Delivery.Kind.SELF_PAUSE:
            return (
                f"This schedule paused itself, and does not fire until somebody resumes it. {news['reason']}"
            )
    return "\n\n".join(part for part in [_failure(news), _report(news), *_answer_text(news)] if part)


def card_of(delivery: Delivery) -> dict[str, Any]:
    """Return the card beside the text."""
    news, report = delivery.payload, delivery.payload.get("report") or {}
    failed = news.get("failure_reason") is not None
    severity = "critical" if failed else report.get("severity") or SEVERITY[Delivery.Kind(delivery.kind)]
    shown = {name: news.get(name) for name in CARD}
    return {"type": delivery.kind, **shown, "zone": news.get("timezone"), "severity": severity}


def _failure(news: dict[str, Any]) -> str:
    if news["status"] == RunStatus.COMPLETED:
        return ""
    reason = (news["failure_reason"] or "unknown").replace("_", " ")
    return f"The run failed: {reason}. {news['failure_detail'] or ''}".strip()


def _report(news: dict[str, Any]) -> str:
    """Return a heartbeat's finding, unless its answer repeats it."""
    body = str((news["report"] or {}).get("body", ""))
    return body if body != news["result"] else ""


def _answer_text(news: dict[str, Any]) -> list[str]:
    partly = news["result"] and news["result_partial"]
    return [WHAT_IT_HAD, news["result"]] if partly else [news["result"]]


def _number(identifier: str | None) -> int | None:
    return int(identifier) if identifier else None
