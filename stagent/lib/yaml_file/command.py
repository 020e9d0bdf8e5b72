"""Commands that keep rows in a YAML file: `export` writes it, `plan` tells its changes, `apply` makes them.

`apply` is one transaction, all or nothing. `plan` does the same and takes it back, so that it finds what
`apply` would find. Each mistake is told with its line.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from stagent.lib.yaml_file.reader import Faulty

CHANGES = 2  # the exit code of plan --check


class FileCommand(BaseCommand):
    """What such commands share; `rows` is what they keep, in the plural."""

    rows = ""
    prunes = ""  # what --prune does
    owns = ""  # what --as decides beside the log

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="export|plan|apply")
        export = verbs.add_parser("export", help=f"write the {self.rows} as YAML")
        export.add_argument("file", nargs="?", default="-", help="where to; without, standard output")
        self.add_export_arguments(export)
        plan = verbs.add_parser("plan", help="say what a file would change; nothing is written")
        plan.add_argument("--check", action="store_true", help=f"exit with {CHANGES} if there are changes")
        apply = verbs.add_parser("apply", help="make the install as the file says, all of it or nothing")
        apply.add_argument(
            "--as", dest="user", required=True, help=f"in whose name: {self.owns}who is in the log"
        )
        plan.add_argument("--as", dest="user", help="in whose name; without, in an administrator's")
        for parser_ in (plan, apply):
            parser_.add_argument("file", help="the YAML file; - is standard input")
            parser_.add_argument("--prune", action="store_true", help=self.prunes)

    def add_export_arguments(self, parser: ArgumentParser) -> None:
        """Add what only `export` takes."""

    def export(self, options: dict[str, Any]) -> str:
        """Return the file."""
        raise NotImplementedError

    def carry_out(self, text: str, user: User, *, prune: bool) -> bool:
        """Make the install as the file says, in a transaction; print the changes, tell if there are any."""
        raise NotImplementedError

    def handle(self, *args: Any, verb: str, file: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(file, options)
        except Faulty as error:
            told = (
                f"{file}:{fault.line}: {fault.text}" if fault.line else fault.text for fault in error.faults
            )
            raise CommandError("\n".join([*told, "Nothing was changed."])) from None

    def _export(self, file: str, options: dict[str, Any]) -> None:
        text = self.export(options)
        if file == "-":
            self.stdout.write(text, ending="")
        else:
            _write(file, text)

    def _plan(self, file: str, options: dict[str, Any]) -> None:
        text, name = _read(file), options["user"]
        user = _user(name) if name else _administrator()
        with transaction.atomic():
            changes = self.carry_out(text, user, prune=options["prune"])
            transaction.set_rollback(True)
        if options["check"] and changes:
            sys.exit(CHANGES)

    def _apply(self, file: str, options: dict[str, Any]) -> None:
        user, text = _user(options["user"]), _read(file)
        with transaction.atomic():
            self.carry_out(text, user, prune=options["prune"])


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None


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
