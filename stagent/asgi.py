"""The web process: Django over ASGI, served by daphne."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")

application = ProtocolTypeRouter({"http": get_asgi_application()})
