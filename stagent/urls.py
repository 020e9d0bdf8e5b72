"""Where a request goes: each part of the product adds its line."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from stagent import health
from stagent.api import api

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
