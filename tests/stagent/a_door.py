"""An API of one room behind the doors of `stagent.api.auth`."""

from django.urls import path
from ninja import NinjaAPI

from stagent.api.auth import DOORS

api = NinjaAPI(auth=DOORS, urls_namespace="a-door")


@api.api_operation(["GET", "POST"], "/room")
def room(request):
    return {"user": request.user.username, "auth": request.auth.username}


urlpatterns = [path("api/", api.urls)]
