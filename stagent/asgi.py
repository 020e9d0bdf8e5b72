"""The web process: Django over ASGI, served by daphne, its sockets, and the desk that works on replies."""

import os
import sys

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")

http = get_asgi_application()  # before anything below is imported: it sets Django up

from channels.routing import ProtocolTypeRouter  # noqa: E402

from chat.desk import Desk  # noqa: E402
from stagent.sockets import Doors  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": Doors()})
desk = Desk()
desk.open()

if (
    "twisted.internet.reactor" in sys.modules
):  # daphne's; at interpreter exit it is too late to write anything
    from twisted.internet import reactor
    from twisted.internet.threads import deferToThread

    # The sockets are served meanwhile: everybody sees how their answer ended.
    reactor.addSystemEventTrigger("before", "shutdown", lambda: deferToThread(desk.close))  # type: ignore[attr-defined]
