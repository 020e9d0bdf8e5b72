"""Five demo schedules; two of them fire at once and complete.

With an API key each run costs money, so the two quick ones are few, short and cheap.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from agents.models import Profile, Project
from schedules.models import Firing, Schedule
from schedules.services import schedule_writer
from schedules.states import ScheduleKind
from schedules.transitions import pause

QUICK: dict[str, Any] = {"max_firings": 20, "max_turns": 6, "max_cost_usd": "0.05"}

SCHEDULES: tuple[dict[str, Any], ...] = (
    {
        "name": "What is scheduled",
        "interval": "every 1m",
        "profile": "reporter",
        "prompt": "List the schedules and say when each fires next.",
        **QUICK,
    },
    {
        "name": "Watch for failures",
        "interval": "every 2m",
        "profile": "watcher",
        "kind": ScheduleKind.HEARTBEAT,
        "prompt": "Which runs failed lately, and why? This is a recurring check: report only what is new.",
        **QUICK,
    },
    {
        "name": "Morning report",
        "interval": "weekdays at 09:00",
        "profile": "reporter",
        "prompt": "List the recent runs of the last day.\n\n"
        "Say what ran, what failed and why, and what it cost. Half a page at most.",
    },
    {
        "name": "Day ahead",
        "interval": "daily at 7am",
        "profile": "operator",
        "prompt": "Show the forecast for the next 24 hours.\n\n"
        "Point out hours in which runs would wait for each other, and suggest calmer times.",
    },
    {
        "name": "Read the news",
        "interval": "every monday 8:00",
        "profile": "researcher",
        "prompt": "Fetch https://www.python.org/blogs/ and sum up what is new in five lines.",
        "paused": "It reads a public page; resume it if you like that.",
    },
)


def install(now: datetime) -> int:
    """Create the demo schedules if nothing was ever scheduled; return how many."""
    with transaction.atomic():
        if Schedule.objects.exists() or Firing.objects.exists():
            return 0
        owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        project, _ = Project.objects.get_or_create(slug="demo", defaults={"name": "Demo"})
        for wanted in SCHEDULES:
            _make(wanted, project, owner, now)
    return len(SCHEDULES)


def _make(wanted: dict[str, Any], project: Project, owner: User | None, now: datetime) -> None:
    changes = {name: value for name, value in wanted.items() if name not in {"profile", "paused"}}
    profile = Profile.objects.get(slug=wanted["profile"])
    schedule = schedule_writer.save(
        Schedule(owner=owner), changes | {"profile": profile, "project": project}, now=now
    )
    if "paused" in wanted:
        pause(schedule.pk, now=now, reason=wanted["paused"])
