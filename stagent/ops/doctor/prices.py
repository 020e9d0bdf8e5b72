"""Checks prices: the age of the list, and models in use without a price."""

from datetime import datetime, timedelta
from importlib.metadata import version

from agents import conf, runtimes
from agents.models import LedgerEntry, Profile
from agents.spending.prices import LIST, list_date, price
from stagent.ops.health import Finding, Level

OLD = timedelta(days=120)
LATELY = timedelta(days=30)
MOST_NAMED = 10


def prices(now: datetime) -> Finding:
    """Name the models without a known price that were used lately or that profiles name."""
    age = now.date() - list_date()
    dated = f"{LIST} {version(LIST)}, at least as new as {list_date()} ({age.days} days ago)"
    if unknown := [name for name, known in sorted(_in_use(now).items()) if not known]:
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        named = ", ".join(unknown[:MOST_NAMED]) + more
        return Finding("prices", Level.WARN, f"not known of {named}: add them under Prices; {dated}")
    return Finding("prices", Level.WARN if age > OLD else Level.OK, dated)


def _in_use(now: datetime) -> dict[str, bool]:
    asked = LedgerEntry.objects.filter(at__gte=now - LATELY).exclude(model="").order_by()
    pairs = set(asked.values_list("provider", "model").distinct())
    provider = runtimes.get("anthropic").provider_name()
    named = Profile.objects.exclude(model="").values_list("model", flat=True)
    pairs |= {(provider, name) for name in [*named, conf.default_model()]}
    return {f"{provider}/{model}": price(model, provider, now).known for provider, model in pairs}
