from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "schedules"

    def ready(self) -> None:
        from schedules import agent_tools, checks  # noqa: F401 - the checks register themselves
        from schedules.dispatch import waiting_runs
        from schedules.monitoring import event_log

        agent_tools.register()
        event_log.connect()
        waiting_runs.connect()
