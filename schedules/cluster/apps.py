from django.apps import AppConfig
from django.contrib import admin


class ClusterConfig(AppConfig):
    """Comes before Procrastinate's own app, so that `manage.py procrastinate` is ours."""

    name = "schedules.cluster"
    label = "cluster"

    def ready(self) -> None:
        from procrastinate.contrib.django.models import ProcrastinateJob

        # A job is there as long as its run is at work, and says less than the page of the run.
        if admin.site.is_registered(ProcrastinateJob):
            admin.site.unregister(ProcrastinateJob)
