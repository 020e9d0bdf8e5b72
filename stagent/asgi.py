"""The web process: Django over ASGI, served by daphne, its sockets, and the desk that works on replies."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")

http = get_asgi_application()  # before anything below is imported: it sets Django up

from channels.routing import ProtocolTypeRouter  # noqa: E402

from chat.desk import Desk  # noqa: E402
from stagent.leaving import before_leaving  # noqa: E402
from stagent.sockets import Doors  # noqa: E402
from stagent.watchman import Watchman  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": Doors()})
desk = Desk()
desk.open()
Watchman().start()
before_leaving(desk.close)
