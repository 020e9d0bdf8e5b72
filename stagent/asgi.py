"""The web process: Django over ASGI, served by daphne, with WebSockets; a child process works on replies."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")

django.setup(set_prefix=False)  # before anything below is imported

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from schedules.monitoring.process_reports import Reporter  # noqa: E402
from stagent.lib.processes.gc_tuning import freeze_gc, tune_thread_switching  # noqa: E402
from stagent.lib.processes.process_id import holder_id  # noqa: E402
from stagent.lib.processes.shutdown import close_in_order  # noqa: E402
from stagent.web.handler import Handler  # noqa: E402
from stagent.web.liveness import Liveness  # noqa: E402
from stagent.web.reply_worker_process import ReplyWorkerProcess  # noqa: E402
from stagent.web.shutdown import on_shutdown  # noqa: E402
from stagent.web.watchdog import Watchdog  # noqa: E402
from stagent.websocket_auth import WebSocketAuth  # noqa: E402

application = Liveness(ProtocolTypeRouter({"http": Handler(), "websocket": WebSocketAuth()}))
_ = get_resolver().url_patterns  # import all views now, so that the first request is not slower
tune_thread_switching()
freeze_gc()
worker = ReplyWorkerProcess()
worker.open()
Watchdog().start()
reporter = Reporter("web", holder_id("web"))
reporter.start()


def shut_down() -> None:
    """Finalise replies, then delete the process report."""
    close_in_order([("end the replies", worker.close), ("end the report", reporter.stop)])


on_shutdown(shut_down)
