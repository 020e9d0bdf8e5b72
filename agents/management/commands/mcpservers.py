"""Export MCP servers to a YAML file, plan and apply changes; servers are matched by short name."""

from typing import Any

from django.contrib.auth.models import User

from agents.management import mcp_server_file
from agents.mcp.setup import Actor
from agents.models import McpServer
from stagent.lib.yaml_file.command import FileCommand
from stagent.lib.yaml_file.reader import read


class Command(FileCommand):
    help = "Export MCP servers to a YAML file, plan what a file would change, or apply it."
    rows = "MCP servers"
    prune_help = "disable servers that are not in the file"

    def export(self, options: dict[str, Any]) -> str:
        return mcp_server_file.render(McpServer.objects.order_by("slug"))

    def apply_file(self, text: str, user: User, *, prune: bool) -> bool:
        entries = read(text, mcp_server_file.ROOT, first="slug")
        outcome = mcp_server_file.apply(entries, Actor(user, "manage.py mcpservers"), prune=prune)
        for line in outcome.lines():
            self.stdout.write(line)
        return bool(outcome.changes)
