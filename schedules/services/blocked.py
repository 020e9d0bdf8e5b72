"""Why a run that a person requested cannot start now, and what they can do."""

from datetime import datetime

from agents.models import Provider
from agents.runtimes import breaker
from schedules.capacity.blockers import SENTENCES
from schedules.capacity.conditions import StartConditions
from schedules.dashboard import budget_resets
from schedules.errors import Blocked
from schedules.models import Run
from schedules.states import WaitReason
from stagent.lib.web.formatting import exact

CODES = {
    WaitReason.BREAKER: "breaker_open",
    WaitReason.PROVIDER: "provider_busy",
    WaitReason.BUDGET: "budget_spent",
}
QUEUE_IT = "Or queue the run: it starts when that is over."


def explain(run: Run, reason: WaitReason, situation: StartConditions) -> Blocked:
    """Return the error, with the moment at which the blocker is expected to end."""
    now = situation.now
    match reason:
        case WaitReason.BREAKER | WaitReason.PROVIDER:
            name = breaker.provider_of(run.profile)
            provider = Provider.objects.filter(name=name).first() or Provider(name=name)
            until = _until(provider, now)
            text = _refused(provider, until) if reason == WaitReason.BREAKER else _busy(name, until)
        case WaitReason.BUDGET:
            until = budget_resets.load(now).of(run)
            spent = situation.budgets.reason_for(project_id=run.project_id, schedule_id=run.schedule_id)
            begins = f" A new window begins {exact(until)}." if until else ""
            text = f"{spent}{begins} Raise the budget in the console. {QUEUE_IT}"
        case _:
            until, text = None, SENTENCES[reason]
    return Blocked(CODES.get(reason, "blocked"), reason.value, text, until)


def _refused(provider: Provider, until: datetime | None) -> str:
    why = provider.open_detail or provider.open_reason.replace("_", " ") or "it is being tried"
    again = f" It is tried again {exact(until)}." if until else ""
    remedy = "Correct the cause, then close the breaker under Providers in the console."
    return f"The provider {provider.name} is not asked now: {why.rstrip('.')}.{again} {remedy} {QUEUE_IT}"


def _busy(name: str, until: datetime | None) -> str:
    patience = f"asked for patience until {exact(until)}" if until else "asked for patience"
    return f"The provider {name} {patience}. {QUEUE_IT}"


def _until(provider: Provider, now: datetime) -> datetime | None:
    moments = provider.open_until, provider.probe_until, provider.blocked_until
    return max((moment for moment in moments if moment and moment > now), default=None)
