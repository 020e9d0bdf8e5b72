"""The connection settings of a server, with the secrets from the environment filled in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from agents.mcp.errors import McpError
from agents.models import McpServer
from agents.protocol.secret_references import MissingVariable, expand, redact
from agents.states import McpTransport

INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Target:
    """The resolved settings of one server; `repr` shows no secrets."""

    pk: int
    name: str
    transport: McpTransport
    connect_sec: float
    call_sec: float
    home: Path
    command: tuple[str, ...] = field(default=(), repr=False)
    env: dict[str, str] = field(default_factory=dict, repr=False)
    url: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    hidden: dict[str, str] = field(default_factory=dict, repr=False)  # secret → the reference shown instead

    def redact(self, text: str) -> str:
        """Replace secrets in a text that comes from the server."""
        return redact(text, self.hidden)


def resolve(server: McpServer, environment: Mapping[str, str] = os.environ) -> Target:
    """Fill in the environment variables that a server names; raise McpError if one is not set."""
    try:
        return _resolve(server, environment)
    except MissingVariable as missing:
        raise McpError("Its configuration is incomplete.", str(missing)) from None


def _resolve(server: McpServer, environment: Mapping[str, str]) -> Target:
    hidden: dict[str, str] = {}

    def expand_all(values: dict[str, str]) -> dict[str, str]:
        return {name: expand(value, environment, hidden) for name, value in values.items()}

    is_stdio = server.transport == McpTransport.STDIO
    home = settings.DATA_DIR / "mcp" / server.slug
    return Target(
        pk=server.pk,
        name=server.name,
        transport=McpTransport(server.transport),
        connect_sec=server.connect_timeout_sec,
        call_sec=server.call_timeout_sec,
        home=home,
        command=(server.command, *server.arguments) if is_stdio else (),
        env=server_environment(home, environment) | expand_all(server.env) if is_stdio else {},
        url="" if is_stdio else expand(server.url, environment, hidden),
        headers={} if is_stdio else expand_all(server.headers),
        hidden=hidden,
    )


def server_environment(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without secrets: only a few variables are inherited."""
    values = {name: inherited[name] for name in INHERITED_VARIABLES if name in inherited}
    return {"PATH": os.defpath, **values, "HOME": str(home), "PWD": str(home)}
