"""The URLs of the project."""

from django.contrib import admin
from django.urls import include, path

from stagent.api import api
from stagent.ops import health
from stagent.ops.metrics.page import metrics

urlpatterns = [
    path("", include("chat.urls")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
]
