from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StagentConfig(AppConfig):
    name = "stagent"
    default = True

    def ready(self) -> None:
        from stagent import checks, deliveries, duties  # noqa: F401 - checks register themselves

        deliveries.connect()
        duties.connect()


class ConsoleConfig(admin_apps.AdminConfig):
    default = False
    default_site = "stagent.console.ConsoleSite"
