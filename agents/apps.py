from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        from agents import checks, runtimes  # noqa: F401
        from agents.runtimes.anthropic import AnthropicRuntime
        from agents.tools import builtin

        builtin.register()
        runtimes.register(AnthropicRuntime())
