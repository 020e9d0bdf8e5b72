"""Bring Stagent up: web and scheduler together, with one log.

1. Take the port; fail loudly if somebody has it, before anything is touched.
2. Bring the database up to date; with DEBUG off, collect the static files.
3. Make the user `admin` if there is no superuser; a made-up password is printed this once.
4. Put the demo schedules into an install in which nothing was ever scheduled.
5. Run web and scheduler as child processes; start one that dies anew, and say so.
6. Say the address when the web answers.
7. On Ctrl-C or SIGTERM ask both to leave, and wait for them. They leave too if this process is killed.
"""

import asyncio
import os
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from schedules import cluster_handoff
from stagent.lib import clock, env
from stagent.lib.log.output import LineWriter
from stagent.ops import demo, first_admin
from stagent.ops.first_admin import FirstUser, NameTaken
from stagent.supervisor.port import CannotListen, address_of, answers, bind, is_local
from stagent.supervisor.supervisor import Child, ProcessSupervisor

ASK_EVERY_SEC = 0.25
SLOW_START_SEC = 30.0


class Command(BaseCommand):
    help = "Bring Stagent up: database, first user, demo, then web and scheduler together with one log."

    _log: LineWriter | None = None
    _supervisor: ProcessSupervisor | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="where to listen; 0.0.0.0 is everywhere")
        parser.add_argument("--port", type=int, default=8000, help="which port; 0 is any free one")
        parser.add_argument("--no-demo", action="store_true", help="without the demo schedules")

    def handle(self, *args: Any, host: str, port: int, no_demo: bool, **options: Any) -> None:
        """Do the steps of this module's docstring."""
        try:
            listener = bind(host, port)
        except CannotListen as error:
            raise CommandError(str(error)) from None
        with listener:
            try:
                self._prepare(demo=not no_demo)
            except KeyboardInterrupt:
                raise CommandError("interrupted before anything was started.") from None
            self._warn_of_openness(listener)
            sys.exit(asyncio.run(self._serve(listener)))

    def _prepare(self, *, demo: bool) -> None:
        call_command("migrate", verbosity=0)
        if not settings.DEBUG:
            call_command("collectstatic", verbosity=0, interactive=False)
        self._make_admin()
        if demo:
            self._install_demo()

    def _make_admin(self) -> None:
        try:
            with transaction.atomic():  # a password that cannot be shown is nobody's
                made = first_admin.make_admin(env.text("STAGENT_ADMIN_PASSWORD"))
                if made and made.password:
                    self._print_password(made)
        except OSError as error:
            raise CommandError(
                f"The password of the first user could not be printed ({error}), so there is no user yet. "
                "Make room for the log, or choose a password with STAGENT_ADMIN_PASSWORD."
            ) from None
        except NameTaken:
            raise CommandError(
                "There is no superuser, and the name admin belongs to a user who is none. "
                "`manage.py createsuperuser` makes one under another name."
            ) from None
        if made and not made.password:
            self._write("up", f"made the user {made.name}, with the password from STAGENT_ADMIN_PASSWORD.")

    def _print_password(self, made: FirstUser) -> None:
        rule = "=" * 72
        for line in (
            rule,
            f"  Sign in as   {made.name}",
            f"  Password     {made.password}",
            "",
            f"  It is shown this once. `manage.py changepassword {made.name}` sets another.",
            rule,
        ):
            self.stdout.write(self.style.WARNING(line))
        self.stdout.flush()

    def _install_demo(self) -> None:
        if count := demo.install(clock.now()):
            self._write("up", f"made {count} demo schedules; the first fires within a minute.")

    def _warn_of_openness(self, listener: socket.socket) -> None:
        if settings.DEBUG and not is_local(listener):
            self._write("up", "other machines can reach this, and DEBUG is on: errors show the code.")
            self._write("up", f"it answers to the names {', '.join(settings.ALLOWED_HOSTS)} (ALLOWED_HOSTS).")

    async def _serve(self, listener: socket.socket) -> int:
        worker = (
            [Child("worker", "manage", ["procrastinate", "worker"])] if cluster_handoff.is_cluster() else []
        )
        web = ("-v", "0", "--fd", str(listener.fileno()), "stagent.asgi:application")
        self._supervisor = ProcessSupervisor(
            [
                Child("web", "daphne", web, inherits=[listener.fileno()]),
                Child("scheduler", "manage", ["runscheduler", "--skip-checks"]),  # this command has made them
                *worker,
            ],
            self._write,
        )
        announcing = asyncio.create_task(self._announce(listener))
        try:
            return await self._supervisor.run()
        finally:
            announcing.cancel()

    async def _announce(self, listener: socket.socket) -> None:
        """Say the address once the web really answers."""
        loop = asyncio.get_running_loop()
        slow_at = loop.time() + SLOW_START_SEC
        while not await answers(listener):
            await asyncio.sleep(ASK_EVERY_SEC)
            if slow_at is not None and loop.time() > slow_at:
                self._write("up", "the web has not answered yet; its lines above may say why.")
                slow_at = float("inf")
        for line in self._where(address_of(listener)):
            self._write("up", line)

    def _where(self, address: str) -> Iterator[str]:
        """Say what a person is to open: without DEBUG not the port itself, but the proxy before it."""
        if settings.DEBUG:
            yield f"Stagent is at {self.style.SUCCESS(address)}  (Ctrl-C stops it)"
            return
        public = settings.STAGENT_PUBLIC_URL or "the https address of your proxy"
        yield f"Stagent is at {self.style.SUCCESS(public)}  (Ctrl-C stops it)"
        yield f"It listens on {address} for a proxy that ends TLS; a browser that comes here cannot sign in."
        if not settings.ALLOWED_HOSTS:
            yield "ALLOWED_HOSTS is empty, so every page answers 400: name what it is to answer to."

    def _write(self, who: str, line: str) -> None:
        """Write a line of the one log, with who said it in front."""
        paint = {"web": self.style.HTTP_NOT_MODIFIED, "scheduler": self.style.MIGRATE_HEADING}.get(
            who, self.style.SUCCESS
        )
        if self._log is None:
            self._log = LineWriter(self.stdout, on_closed=self._mute_and_stop)
        self._log.write(f"{paint(f'{who:<9} |')} {line}")

    def _mute_and_stop(self) -> None:
        """Stop, because whoever read the log is gone, as in `make run | head`."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if self._supervisor is None:
            sys.exit(1)
        self._supervisor.stop()
