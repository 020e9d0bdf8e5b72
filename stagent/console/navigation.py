"""The way around the console: every page under a heading that says what it is about."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

MAP = {
    "Work": {
        "Schedule": "clock",
        "Run": "play",
        "Approval": "ask",
        "StandingApproval": "check",
        "Firing": "bolt",
        "Delivery": "send",
        "Notice": "warn",
    },
    "Chat": {"Conversation": "talks", "Share": "link", "StreamRecord": "stream"},
    "Capacity": {"Slot": "grid", "Pool": "layers", "Scheduler": "pulse", "Setting": "sliders"},
    "Agents": {"Profile": "agent", "Project": "folder", "Provider": "plug", "McpServer": "tool"},
    "Spending": {"LedgerEntry": "ledger", "Budget": "purse", "ModelPrice": "tag"},
    "Access": {"User": "user", "Group": "users", "ApiToken": "key"},
}
PLACES = {model: (heading, icon) for heading, models in MAP.items() for model, icon in models.items()}
ORDER = [model for models in MAP.values() for model in models]
ELSEWHERE = ("More", "more")


@dataclass(frozen=True)
class MenuEntry:
    """One link."""

    name: str
    url: str
    icon: str
    current: bool


def sections(apps: list[dict[str, Any]], path: str) -> dict[str, list[MenuEntry]]:
    """Return the links to what somebody may see, by heading."""
    models = [model for app in apps for model in app["models"] if model.get("admin_url")]
    found: dict[str, list[MenuEntry]] = {heading: [] for heading in [*MAP, ELSEWHERE[0]]}
    for model in sorted(models, key=_place):
        heading, icon = PLACES.get(model["object_name"], ELSEWHERE)
        current = path.startswith(model["admin_url"])
        found[heading].append(MenuEntry(str(model["name"]), model["admin_url"], icon, current))
    if any(model["object_name"] == "Schedule" for model in models):
        found["Capacity"].insert(0, _forecast(path))
    return {heading: entries for heading, entries in found.items() if entries}


def _forecast(path: str) -> MenuEntry:
    """Return the link to the one page that is about no table of its own."""
    url = reverse("admin:forecast")
    return MenuEntry("Forecast", url, "forecast", path.startswith(url))


def _place(model: dict[str, Any]) -> int:
    name = model["object_name"]
    return ORDER.index(name) if name in ORDER else len(ORDER)
