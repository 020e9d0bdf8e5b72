from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "schedules"

    def ready(self) -> None:
        from schedules import agent_tools, checks  # noqa: F401 - the checks register themselves
        from schedules.dispatch import waiting_runs
        from schedules.monitoring import log_lines

        agent_tools.register()
        log_lines.connect()
        waiting_runs.connect()
