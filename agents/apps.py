from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        from agents import checks, runtimes  # noqa: F401
        from agents.runtimes.anthropic.runtime import AnthropicRuntime
        from agents.tools import builtin, invoke
        from stagent.lib.db.async_db import own_connections

        builtin.register()
        invoke.register_tool_context(own_connections)
        runtimes.register(AnthropicRuntime())
