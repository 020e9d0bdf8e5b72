from django.apps import AppConfig


class StagentConfig(AppConfig):
    name = "stagent"
    default = True

    def ready(self) -> None:
        from stagent import (  # noqa: F401 - checks register themselves
            chat_delivery,
            checks,
            default_groups,
            migration_guard,
        )
        from stagent.lib.db import case_folding

        case_folding.install()
        chat_delivery.connect()
        default_groups.connect()
        migration_guard.connect()
