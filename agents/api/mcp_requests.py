"""What may be asked of MCP servers. The model checks the rest, for the console and files alike."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, StrictBool

from agents.models.mcp_server import LONGEST_SLUG
from agents.states import McpTransport
from stagent.lib.api.types import Name, RequestBody, Text, Whole

NOT_GIVEN: Any = None  # a default that is never read: only the fields that were given count
MOST_TEXTS = 200  # arguments, variables or headers
NEW: Any = {
    "slug": "github", "name": "GitHub", "transport": "http", "url": "https://api.example.com/mcp",
    "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"},
}  # fmt: skip
REFERENCES = "${NAME} stands for a variable of Stagent's own environment; a secret is refused."


class McpServerChanges(RequestBody):
    """The fields to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"call_timeout_sec": 120}})

    name: Name = Field(default=NOT_GIVEN, max_length=80)
    enabled: StrictBool = Field(default=NOT_GIVEN, description="false: none of its tools is offered.")
    transport: McpTransport = Field(default=NOT_GIVEN, description="stdio: a command. http: an address.")
    command: Text = Field(default=NOT_GIVEN, max_length=500, description="A program; of stdio only.")
    arguments: list[Text] = Field(default=NOT_GIVEN, max_length=MOST_TEXTS, description="Of the command.")
    env: dict[Text, Text] = Field(default=NOT_GIVEN, max_length=MOST_TEXTS, description=REFERENCES)
    url: Text = Field(default=NOT_GIVEN, max_length=500, description="https://host/mcp; of http only.")
    headers: dict[Text, Text] = Field(default=NOT_GIVEN, max_length=MOST_TEXTS, description=REFERENCES)
    permission: Literal["ask", "allow"] = Field(
        default=NOT_GIVEN, description="What its tools may do where a profile says nothing about them."
    )
    connect_timeout_sec: Whole = Field(default=NOT_GIVEN, ge=1, le=600)
    call_timeout_sec: Whole = Field(default=NOT_GIVEN, ge=1, le=600)


class NewMcpServer(McpServerChanges):
    """A new server. Its transport needs `command` or `url`; test it, then allow its tools in the console."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": NEW})

    slug: Text = Field(
        max_length=LONGEST_SLUG, description="What the names of its tools begin with, for good."
    )
    name: Name = Field(max_length=80)
