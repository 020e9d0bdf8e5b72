from django.apps import AppConfig


class StagentConfig(AppConfig):
    name = "stagent"
    default = True

    def ready(self) -> None:
        from stagent import checks, deliveries, duties  # noqa: F401 - checks register themselves
        from stagent.lib import folding

        folding.install()
        deliveries.connect()
        duties.connect()
