"""The sample schedules, in a dozen projects."""

from datetime import datetime, timedelta
from itertools import batched
from random import Random

from agents.models import Profile, Project
from schedules.models import Schedule
from schedules.services import schedule_writer
from schedules.states import ScheduleStatus

BATCH = 2_000
PROJECTS = 12
WORK = ("Report", "Check", "Digest", "Review", "Backup", "Watch", "Summary", "Sync", "Audit", "Triage")
ABOUT = (
    "sales", "support", "servers", "invoices", "the press", "releases", "costs", "papers", "tickets", "mail",
)  # fmt: skip
RHYTHMS = ("7 */4 * * *", "30 6 * * *", "0 9 * * 1-5", "20 1,13 * * *", "45 22 * * 0", "15 3 1 * *")


def schedules(many: int, now: datetime, dice: Random) -> list[Schedule]:
    """Copy a few schedules that were created by the services; one in ten is paused."""
    projects = [Project(slug=f"filled-{number}", name=f"Filled {number}") for number in range(PROJECTS)]
    Project.objects.bulk_create(projects, ignore_conflicts=True)
    mine = list(Project.objects.filter(slug__startswith="filled-"))
    profiles = list(Profile.objects.all())
    templates = [_template(cron, profiles[0], now) for cron in RHYTHMS]
    copies = (_copy(templates, profiles, mine, number, now, dice) for number in range(many))
    made = [row for some in batched(copies, BATCH) for row in Schedule.objects.bulk_create(some)]
    Schedule.objects.filter(pk__in=[template.pk for template in templates]).delete()
    return made


def _template(cron: str, profile: Profile, now: datetime) -> Schedule:
    columns = {"name": "template", "prompt": "Say what is new.", "profile": profile, "cron": cron}
    return schedule_writer.save(Schedule(), columns, now=now)


def _copy(
    templates: list[Schedule], profiles: list[Profile], projects: list[Project], number: int, now: datetime,
    dice: Random,
) -> Schedule:  # fmt: skip
    columns = {field.attname: getattr(templates[number % len(templates)], field.attname) for field in COLUMNS}
    paused = number % 10 == 9
    due = now + timedelta(hours=1, seconds=dice.randrange(86_400))
    return Schedule(
        **columns
        | {
            "name": f"{WORK[number % 10]} of {ABOUT[number // 10 % 10]}, {number}",
            "profile_id": profiles[number % len(profiles)].pk,
            "project_id": projects[number % len(projects)].pk,
            "status": ScheduleStatus.PAUSED if paused else ScheduleStatus.ACTIVE,
            "paused_reason": "Three failures in a row." if paused else "",
            "next_nominal_at": due,
            "next_fire_at": due,
            "firing_count": dice.randrange(1000),
            "last_turn_count": dice.randrange(1, 120),
            "avg_turns_per_firing": dice.uniform(3, 90),
            "avg_duration_ms": dice.uniform(5_000, 240_000),
        }
    )


COLUMNS = [field for field in Schedule._meta.concrete_fields if field.attname != "id"]
