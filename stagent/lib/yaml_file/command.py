"""Base class of commands for a YAML file of rows: `export` writes it, `plan` shows its changes, `apply` makes
them.

`apply` is one transaction, all or nothing. `plan` does the same and rolls it back, so that it finds what
`apply` would find. Each error is printed with its line.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from stagent.lib.yaml_file.reader import InvalidFile

EXIT_CHANGES = 2  # the exit code of plan --check


class FileCommand(BaseCommand):
    """The common part of these commands; `rows` names the objects in the plural."""

    rows = ""
    prune_help = ""  # help text of --prune
    owner_help = ""  # help text: what --as determines besides the log entry

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="export|plan|apply")
        export = verbs.add_parser("export", help=f"write the {self.rows} as YAML")
        export.add_argument(
            "file", nargs="?", default="-", help="the file to write; by default standard output"
        )
        self.add_export_arguments(export)
        plan = verbs.add_parser("plan", help="show what a file would change; nothing is written")
        plan.add_argument(
            "--check", action="store_true", help=f"exit with {EXIT_CHANGES} if there are changes"
        )
        apply = verbs.add_parser("apply", help="apply the file, all of it or nothing")
        apply.add_argument(
            "--as", dest="user", required=True, help=f"the acting user: {self.owner_help}shown in the log"
        )
        plan.add_argument("--as", dest="user", help="the acting user; by default an administrator")
        for parser_ in (plan, apply):
            parser_.add_argument("file", help="the YAML file; - is standard input")
            parser_.add_argument("--prune", action="store_true", help=self.prune_help)

    def add_export_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments of `export` only."""

    def export(self, options: dict[str, Any]) -> str:
        """Return the file."""
        raise NotImplementedError

    def apply_file(self, text: str, user: User, *, prune: bool) -> bool:
        """Apply a file within a transaction; print the changes and return whether there are any."""
        raise NotImplementedError

    def handle(self, *args: Any, verb: str, file: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(file, options)
        except InvalidFile as error:
            messages = (
                f"{file}:{fault.line}: {fault.text}" if fault.line else fault.text for fault in error.faults
            )
            raise CommandError("\n".join([*messages, "Nothing was changed."])) from None

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
            changes = self.apply_file(text, user, prune=options["prune"])
            transaction.set_rollback(True)
        if options["check"] and changes:
            sys.exit(EXIT_CHANGES)

    def _apply(self, file: str, options: dict[str, Any]) -> None:
        user, text = _user(options["user"]), _read(file)
        with transaction.atomic():
            self.apply_file(text, user, prune=options["prune"])


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
        raise CommandError("There is no administrator. Name the acting user with --as.")
    return user
