"""The web process: Django over ASGI, served by daphne, and its sockets; a desk beside it works on replies."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")

http = get_asgi_application()  # before anything below is imported: it sets Django up

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.core.signals import request_finished  # noqa: E402
from django.db import connections  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from stagent.desk_process import DeskProcess  # noqa: E402
from stagent.leaving import before_leaving  # noqa: E402
from stagent.lib.interpreter import keep_what_is_there, share_finely  # noqa: E402
from stagent.sockets import Doors  # noqa: E402
from stagent.watchman import Watchman  # noqa: E402


def close_connections(**_: object) -> None:
    """Close what a request has opened: its thread ends with it, and nobody could use them any more."""
    connections.close_all()


request_finished.connect(close_connections)
application = ProtocolTypeRouter({"http": http, "websocket": Doors()})
_ = get_resolver().url_patterns  # every page is imported now, so that the first is as quick as the others
share_finely()
keep_what_is_there()
desk = DeskProcess()
desk.open()
Watchman().start()
before_leaving(desk.close)
