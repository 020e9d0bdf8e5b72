"""Which schedule an entry of a file means: the one with its key, else the one of its name in its project."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from django.utils.text import slugify

from schedules.asfile.reading import Entry, Fault, Faulty
from schedules.models import Schedule

type Place = tuple[str | None, str]  # the project's slug, and the name within it

NAMED_TWICE = "Another schedule of this file has this name."
KEYED_TWICE = "Another schedule of this file has this key."


@dataclass
class Present:
    """The schedules that are there, and which of them a file has spoken of so far."""

    schedules: list[Schedule]
    spoken_of: set[str] = field(default_factory=set)  # the keys anywhere in the file
    places: dict[Place, str | None] = field(default_factory=dict)  # each with the key it came with
    keys: set[str] = field(default_factory=set)
    found: set[int] = field(default_factory=set)

    def match(self, entry: Entry, place: Place) -> Schedule | None:
        """Return the schedule that an entry means, None where it is new; Faulty where it cannot be told."""
        key = _key(entry)
        if place in self.places and not (key and self.places[place]):
            raise Faulty(entry.fault("name", NAMED_TWICE))
        if key in self.keys:
            raise Faulty(entry.fault("key", KEYED_TWICE))
        self.places[place] = key
        self.keys |= {key} if key else set()
        schedule = self._with_key(key) if key else None
        schedule = schedule or self._in_place(entry, place, key)
        if schedule and schedule.pk in self.found:
            raise Faulty(entry.fault("name", f"The file speaks of schedule {schedule.pk} twice."))
        self.found |= {schedule.pk} if schedule else set()
        return schedule

    def left(self) -> list[Schedule]:
        """Return those that the file did not speak of."""
        return [schedule for schedule in self.schedules if schedule.pk not in self.found]

    def _with_key(self, key: str) -> Schedule | None:
        return next((schedule for schedule in self.schedules if schedule.key == key), None)

    def _in_place(self, entry: Entry, place: Place, key: str | None) -> Schedule | None:
        """Find by name, but never one that has another key or that the file speaks of by its key."""
        there = [schedule for schedule in self.schedules if place_of(schedule) == place]
        fitting = [
            schedule
            for schedule in there
            if schedule.key is None or (key is None and schedule.key not in self.spoken_of)
        ]
        if len(fitting) > 1:
            raise Faulty(entry.fault("name", "Several schedules are called so: tell them apart by `key`."))
        return fitting[0] if fitting else None


def present(entries: Iterable[Entry] = ()) -> Present:
    """Look at the schedules, by project and name, to match the entries of a file."""
    rows = Schedule.objects.select_related("profile", "project", "pool", "owner")
    keys = {key for entry in entries if (key := _key(entry))}
    return Present(sorted(rows.order_by("pk"), key=_in_the_file), keys)


def _in_the_file(schedule: Schedule) -> tuple[str, str]:
    """Sort by project and name, in one order on every database: files are compared."""
    return schedule.project.slug if schedule.project else "", schedule.name


def place_of(schedule: Schedule) -> Place:
    """Return where a schedule stands when it has no key."""
    return schedule.project.slug if schedule.project else None, schedule.name


def give_keys(schedules: list[Schedule]) -> None:
    """Give each that has no key one made of its name; nothing is written."""
    taken = {schedule.key for schedule in schedules}
    for schedule in schedules:
        if schedule.key is None:
            schedule.key = next(key for key in _made_of(schedule) if key not in taken)
            taken.add(schedule.key)


def _made_of(schedule: Schedule) -> Iterator[str]:
    stem = (slugify(schedule.name).strip("-_") or "schedule")[:90]
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def refuse_namesakes(schedules: list[Schedule]) -> None:
    """Raise Faulty where two cannot be told apart in a file: one name in one project, and no key."""
    seen: dict[Place, Schedule] = {}
    for schedule in schedules:
        first = seen.setdefault(place_of(schedule), schedule)
        if first is not schedule and not (first.key and schedule.key):
            where = f" in the project {schedule.project.slug}" if schedule.project else ""
            said = f"Two schedules are called {schedule.name!r}{where}: rename one, or give each a key."
            raise Faulty(Fault(0, said))


def _key(entry: Entry) -> str | None:
    key = entry.values.get("key")
    return key if isinstance(key, str) and key else None
