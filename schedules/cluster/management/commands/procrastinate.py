"""Procrastinate's commands, with a `worker` that executes Stagent's runs.

1. Lower the priority below a web process on the same machine.
2. Start the executor and register the host.
3. Fetch jobs of all pools or of --queues, --concurrency at once.
4. On SIGTERM or SIGINT: fetch no more, let runs finish for --shutdown-graceful-timeout seconds, then requeue
   them. A second signal requeues at once.
"""

import asyncio
import os
import signal
from functools import partial
from typing import Any

from django.conf import settings
from procrastinate.contrib.django.management.commands import procrastinate

from schedules.cluster import worker_host
from stagent.lib.log.output import LineWriter

DEFAULTS: dict[str, Any] = settings.PROCRASTINATE_WORKER_DEFAULTS
NICE = 5
NOT_FOR_THE_WORKER = {"command", "func"}


class Command(procrastinate.Command):
    help = "Perform runs that schedulers hand over (worker), and look after Procrastinate."

    def handle(self, *args: Any, **options: Any) -> None:
        if options["command"] != "worker":
            super().handle(*args, **options)
            return
        if hasattr(os, "nice"):
            os.nice(NICE)
        wanted = set(options) - self._django_options - NOT_FOR_THE_WORKER
        asyncio.run(self._work({name: options[name] for name in wanted}))

    async def _work(self, options: dict[str, Any]) -> None:
        concurrency = int(options.get("concurrency") or DEFAULTS["concurrency"])
        here = worker_host.Host(concurrency=concurrency, pools=",".join(options.get("queues") or ()))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, here.shut_down)
        written = LineWriter(self.stderr)
        written.write(f"Worker {here.holder} is running, {concurrency} runs at once; Ctrl-C stops it.")
        await here.serve(partial(worker_host.fetch, **options), once=not options.get("wait", True))
        written.write("Worker stopped.")
