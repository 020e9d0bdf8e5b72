"""Whom to connect to: a server's row, read once, with the secrets that it names put in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from agents.mcp.errors import McpError
from agents.models import McpServer
from agents.protocol.secret_references import MissingVariable, conceal, expand
from agents.states import McpTransport

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Target:
    """One server as the environment of this process has it; `repr` shows no secrets."""

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
    hidden: dict[str, str] = field(default_factory=dict, repr=False)  # secret: what is shown for it

    def conceal(self, text: str) -> str:
        """Take the secrets out of a text that the server had a hand in."""
        return conceal(text, self.hidden)


def target(server: McpServer, environment: Mapping[str, str] = os.environ) -> Target:
    """Put the variables in that a server's row names; raise McpError where one is not set."""
    try:
        return _target(server, environment)
    except MissingVariable as missing:
        raise McpError("It is not set up completely.", str(missing)) from None


def _target(server: McpServer, environment: Mapping[str, str]) -> Target:
    hidden: dict[str, str] = {}

    def filled(values: dict[str, str]) -> dict[str, str]:
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
        env=surroundings(home, environment) | filled(server.env) if is_stdio else {},
        url="" if is_stdio else expand(server.url, environment, hidden),
        headers={} if is_stdio else filled(server.headers),
        hidden=hidden,
    )


def surroundings(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Make an environment that holds none of our secrets: a few names are passed on, nothing else."""
    passed_on = {name: inherited[name] for name in PASSED_ON if name in inherited}
    return {"PATH": os.defpath, **passed_on, "HOME": str(home), "PWD": str(home)}
