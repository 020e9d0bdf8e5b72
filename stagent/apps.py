from django.apps import AppConfig


class StagentConfig(AppConfig):
    name = "stagent"
    default = True

    def ready(self) -> None:
        from stagent import chat_delivery, checks, default_groups  # noqa: F401 - checks register themselves
        from stagent.lib.db import case_folding

        case_folding.install()
        chat_delivery.connect()
        default_groups.connect()
