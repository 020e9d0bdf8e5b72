"""Matches the entries of a file with schedules: by key, else by name within the project."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from django.utils.text import slugify

from schedules.models import Schedule
from stagent.lib.yaml_file.reader import Entry, InvalidFile

type Place = tuple[str | None, str]  # the project's slug, and the name within it

NAMED_TWICE = "Another schedule of this file has this name."
KEYED_TWICE = "Another schedule of this file has this key."


@dataclass
class ExistingSchedules:
    """The schedules in the database, and which of them the file has named so far."""

    schedules: list[Schedule]
    named_keys: set[str] = field(default_factory=set)  # the keys anywhere in the file
    places: dict[Place, str | None] = field(default_factory=dict)  # each with the key it came with
    keys: set[str] = field(default_factory=set)
    found: set[int] = field(default_factory=set)
    exported: dict[str, Schedule] = field(default_factory=dict)  # by the keys that an export gives them
    needed: dict[int, str] = field(default_factory=dict)  # the key that an export has to give a schedule

    def match(self, entry: Entry, place: Place) -> Schedule | None:
        """Return the schedule of an entry; None if it is new. Raises InvalidFile if it is ambiguous."""
        key = _key(entry)
        if place in self.places and not (key and self.places[place]):
            raise InvalidFile(entry.fault("name", NAMED_TWICE))
        if key in self.keys:
            raise InvalidFile(entry.fault("key", KEYED_TWICE))
        self.places[place] = key
        self.keys |= {key} if key else set()
        schedule = (self._with_key(key) or self._exported_as(key, place)) if key else None
        schedule = schedule or self._with_name(entry, place, key)
        if schedule and schedule.pk in self.found:
            raise InvalidFile(entry.fault("name", f"The file names schedule {schedule.pk} twice."))
        self.found |= {schedule.pk} if schedule else set()
        return schedule

    def left(self) -> list[Schedule]:
        """Return the schedules that the file does not name."""
        return [schedule for schedule in self.schedules if schedule.pk not in self.found]

    def _with_key(self, key: str) -> Schedule | None:
        return next((schedule for schedule in self.schedules if schedule.key == key), None)

    def _exported_as(self, key: str, place: Place) -> Schedule | None:
        schedule = self.exported.get(key)
        return schedule if schedule and place_of(schedule) == place else None

    def _with_name(self, entry: Entry, place: Place, key: str | None) -> Schedule | None:
        """Find by name, except schedules with another key or named elsewhere by key."""
        there = [schedule for schedule in self.schedules if place_of(schedule) == place]
        fitting = [
            schedule
            for schedule in there
            if schedule.key is None or (key is None and schedule.key not in self.named_keys)
        ]
        if len(fitting) > 1:
            raise InvalidFile(
                entry.fault("name", "Several schedules have this name: identify them by `key`.")
            )
        return fitting[0] if fitting else None


def load_existing(entries: Iterable[Entry] = ()) -> ExistingSchedules:
    """Load the schedules, sorted by project and name, to match the entries of a file."""
    rows = Schedule.objects.select_related("profile", "project", "pool", "owner")
    keys = {key for entry in entries if (key := _key(entry))}
    there = sorted(rows.order_by("pk"), key=_sort_key)
    given = keys_of(there, everybody=True) | keys_of(there)
    exported = {given[each.pk]: each for each in there if each.pk in given}
    return ExistingSchedules(there, keys, exported=exported, needed=keys_of(there))


def _sort_key(schedule: Schedule) -> tuple[str, str]:
    """Sort by project and name, in the same order on every database."""
    return schedule.project.slug if schedule.project else "", schedule.name


def place_of(schedule: Schedule) -> Place:
    """Return the project and name that identify a schedule without a key."""
    return schedule.project.slug if schedule.project else None, schedule.name


def keys_of(schedules: list[Schedule], *, everybody: bool = False) -> dict[int, str]:
    """Return a key for each schedule without one; by default only for those that share name and project.

    Deterministic: an exported file matches the same schedules again.
    """
    taken = {schedule.key for schedule in schedules}
    names = Counter(map(place_of, schedules))
    given: dict[int, str] = {}
    for schedule in schedules:
        if schedule.key is None and (everybody or names[place_of(schedule)] > 1):
            given[schedule.pk] = next(key for key in _made_of(schedule) if key not in taken)
            taken.add(given[schedule.pk])
    return given


def _made_of(schedule: Schedule) -> Iterator[str]:
    stem = (slugify(schedule.name).strip("-_") or "schedule")[:90]
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def _key(entry: Entry) -> str | None:
    key = entry.values.get("key")
    return key if isinstance(key, str) and key else None
