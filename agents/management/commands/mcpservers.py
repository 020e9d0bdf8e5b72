"""Keep MCP servers in a file: each is found by its short name and compared with what the file says."""

from typing import Any

from django.contrib.auth.models import User

from agents.management import mcp_server_file
from agents.mcp.setup import Actor
from agents.models import McpServer
from stagent.lib.yaml_file.command import FileCommand
from stagent.lib.yaml_file.reader import read


class Command(FileCommand):
    help = "Keep MCP servers in a YAML file: export them, plan what a file would change, apply it."
    rows = "MCP servers"
    prunes = "switch off the servers that the file does not name"

    def export(self, options: dict[str, Any]) -> str:
        return mcp_server_file.written(McpServer.objects.order_by("slug"))

    def carry_out(self, text: str, user: User, *, prune: bool) -> bool:
        entries = read(text, mcp_server_file.ROOT, first="slug")
        outcome = mcp_server_file.carry_out(entries, Actor(user, "manage.py mcpservers"), prune=prune)
        for line in outcome.lines():
            self.stdout.write(line)
        return bool(outcome.changes)
