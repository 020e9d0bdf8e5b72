from django.apps import AppConfig
from django.contrib import admin


class ClusterConfig(AppConfig):
    """Listed before Procrastinate's app, so that `manage.py procrastinate` is our command."""

    name = "schedules.cluster"
    label = "cluster"

    def ready(self) -> None:
        from procrastinate.contrib.django.models import ProcrastinateJob

        # A job is there as long as its run is at work, and says less than the page of the run.
        if admin.site.is_registered(ProcrastinateJob):
            admin.site.unregister(ProcrastinateJob)
