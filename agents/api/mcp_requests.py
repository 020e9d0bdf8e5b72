"""Request schemas of MCP servers. The model validates the rest, also for the console and files."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, StrictBool

from agents.models.mcp_server import MAX_SLUG_CHARS
from agents.states import McpTransport
from stagent.lib.api.types import Name, RequestBody, Text, WholeNumber

NOT_GIVEN: Any = None  # never read: only the given fields are used
MAX_ITEMS = 200  # arguments, variables or headers
NEW: Any = {
    "slug": "github", "name": "GitHub", "transport": "http", "url": "https://api.example.com/mcp",
    "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"},
}  # fmt: skip
REFERENCES = "${NAME} inserts a variable of Stagent's own environment. Secrets are refused."


class McpServerChanges(RequestBody):
    """The fields to change; omitted fields stay unchanged."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"call_timeout_sec": 120}})

    name: Name = Field(default=NOT_GIVEN, max_length=80)
    enabled: StrictBool = Field(default=NOT_GIVEN, description="false: its tools are not offered.")
    transport: McpTransport = Field(default=NOT_GIVEN, description="stdio: a command. http: a URL.")
    command: Text = Field(default=NOT_GIVEN, max_length=500, description="The program to run; stdio only.")
    arguments: list[Text] = Field(
        default=NOT_GIVEN, max_length=MAX_ITEMS, description="Its arguments; stdio only."
    )
    env: dict[Text, Text] = Field(default=NOT_GIVEN, max_length=MAX_ITEMS, description=REFERENCES)
    url: Text = Field(default=NOT_GIVEN, max_length=500, description="Such as https://host/mcp; http only.")
    headers: dict[Text, Text] = Field(default=NOT_GIVEN, max_length=MAX_ITEMS, description=REFERENCES)
    permission: Literal["ask", "allow"] = Field(
        default=NOT_GIVEN, description="The permission of its tools unless a profile overrides it."
    )
    connect_timeout_sec: WholeNumber = Field(default=NOT_GIVEN, ge=1, le=600)
    call_timeout_sec: WholeNumber = Field(default=NOT_GIVEN, ge=1, le=600)


class NewMcpServer(McpServerChanges):
    """A new server. Its transport needs `command` or `url`; test it, then allow its tools in the console."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": NEW})

    slug: Text = Field(
        max_length=MAX_SLUG_CHARS, description="The prefix of its tool names; cannot be changed."
    )
    name: Name = Field(max_length=80)
