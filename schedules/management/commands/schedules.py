"""Keep schedules in a file: `export` writes it, `plan` says what it would change, `apply` does that.

1. Read the file; each mistake is told with its line and field, and nothing is done.
2. Find each schedule by its key, or else by its name within its project; compare all its fields with what
   the file says.
3. `apply` makes the differences in one transaction, through the doors of the API, and prints them. `plan`
   does the same and takes it back, so that it finds what `apply` would find.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from schedules.api.actors import Actor
from schedules.asfile import matching, planning, telling, wording
from stagent.lib import clock
from stagent.lib.yaml_reader import Entry, Faulty, read

DOOR = "manage.py schedules"
CHANGES = 2  # the exit code of plan --check


class Command(BaseCommand):
    help = "Keep schedules in a YAML file: export them, plan what a file would change, apply it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="export|plan|apply")
        export = verbs.add_parser("export", help="write the schedules as YAML")
        export.add_argument("file", nargs="?", default="-", help="where to; without, standard output")
        export.add_argument(
            "--keys", action="store_true", help="with a key for each, so that it can be renamed in the file"
        )
        plan = verbs.add_parser("plan", help="say what a file would change; nothing is written")
        plan.add_argument("--check", action="store_true", help=f"exit with {CHANGES} if there are changes")
        apply = verbs.add_parser("apply", help="make the install as the file says, all of it or nothing")
        apply.add_argument(
            "--as", dest="user", required=True, help="in whose name: who owns new ones, who is in the log"
        )
        plan.add_argument("--as", dest="user", help="in whose name; without, in an administrator's")
        for parser_ in (plan, apply):
            parser_.add_argument("file", help="the YAML file; - is standard input")
            parser_.add_argument(
                "--prune", action="store_true", help="pause the schedules that the file does not name"
            )

    def handle(self, *args: Any, verb: str, file: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(file, options)
        except Faulty as error:
            told = (
                f"{file}:{fault.line}: {fault.text}" if fault.line else fault.text for fault in error.faults
            )
            raise CommandError("\n".join([*told, "Nothing was changed."])) from None

    def _export(self, file: str, options: dict[str, Any]) -> None:
        schedules = matching.present().schedules
        given = matching.keys_of(schedules, everybody=options["keys"])
        for schedule in schedules:
            schedule.key = given.get(schedule.pk, schedule.key)
        text = telling.written([telling.told(schedule) for schedule in schedules])
        if file == "-":
            self.stdout.write(text, ending="")
        else:
            _write(file, text)

    def _plan(self, file: str, options: dict[str, Any]) -> None:
        entries, user = _entries(file), options["user"]
        actor = Actor(_user(user) if user else _administrator(), DOOR)
        with transaction.atomic():
            planned = self._carry_out(entries, actor, options["prune"])
            transaction.set_rollback(True)
        if options["check"] and planned.changes:
            sys.exit(CHANGES)

    def _apply(self, file: str, options: dict[str, Any]) -> None:
        actor, entries = Actor(_user(options["user"]), DOOR), _entries(file)
        with transaction.atomic():
            self._carry_out(entries, actor, options["prune"])

    def _carry_out(self, entries: list[Entry], actor: Actor, prune: bool) -> planning.Plan:
        now = clock.now()
        planned = planning.plan(entries, now, prune=prune)
        for change, warnings in planning.apply(planned, actor, now):
            for warning in warnings:
                self.stderr.write(f"! {change.place[1]}: {warning}")
        for line in wording.lines(planned):
            self.stdout.write(line)
        return planned


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None


def _entries(file: str) -> list[Entry]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
    return read(text, telling.ROOT)


def _user(name: str) -> User:
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user {name!r}.")
    return user


def _administrator() -> User:
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None:
        raise CommandError("There is no administrator: say --as whom the file would be applied.")
    return user
