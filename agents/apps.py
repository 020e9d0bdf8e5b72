from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        from agents import checks, runtimes  # noqa: F401
        from agents.bridge import connections_of_its_own
        from agents.runtimes.anthropic import AnthropicRuntime
        from agents.tools import builtin, calls

        builtin.register()
        calls.surround(connections_of_its_own)
        runtimes.register(AnthropicRuntime())
