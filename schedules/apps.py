from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "schedules"

    def ready(self) -> None:
        from schedules import checks, log, parked, tools  # noqa: F401 - the checks register themselves

        tools.register()
        log.listen()
        parked.listen()
