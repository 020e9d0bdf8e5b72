"""The web process: Django over ASGI, served by daphne, and its sockets; a desk beside it works on replies."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")

django.setup(set_prefix=False)  # before anything below is imported

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from chat.worker.process import ReplyWorkerProcess  # noqa: E402
from schedules.monitoring.process_reports import Reporter  # noqa: E402
from stagent.lib.processes.gc_tuning import keep_what_is_there, share_finely  # noqa: E402
from stagent.lib.processes.process_id import holder  # noqa: E402
from stagent.lib.processes.shutdown import close_in_order  # noqa: E402
from stagent.web.handler import Handler  # noqa: E402
from stagent.web.liveness import Front  # noqa: E402
from stagent.web.shutdown import before_leaving  # noqa: E402
from stagent.web.watchdog import Watchman  # noqa: E402
from stagent.websocket_auth import Doors  # noqa: E402

application = Front(ProtocolTypeRouter({"http": Handler(), "websocket": Doors()}))
_ = get_resolver().url_patterns  # every page is imported now, so that the first is as quick as the others
share_finely()
keep_what_is_there()
desk = ReplyWorkerProcess()
desk.open()
Watchman().start()
reporter = Reporter("web", holder("web"))
reporter.start()


def leave() -> None:
    """Let replies be settled, then take the report away."""
    close_in_order([("end the replies", desk.close), ("end the report", reporter.stop)])


before_leaving(leave)
