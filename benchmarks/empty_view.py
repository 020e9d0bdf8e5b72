"""Django in daphne with an empty view and no middleware: the cost of server and framework alone."""

import sys

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import re_path


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", headers={"Content-Length": "2"})  # or daphne closes the connection


urlpatterns = [re_path("", nothing)]
settings.configure(
    ROOT_URLCONF=sys.modules[__name__], ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="measured with"
)
application = get_asgi_application()
