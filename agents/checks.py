"""System checks of the agents' settings and profiles."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import DatabaseError

from agents import conf, runtimes
from agents.mcp import names
from agents.models import Profile
from agents.tools import registry


@register()
def check_settings(**_: Any) -> list[CheckMessage]:
    """Check the environment variables."""
    return [*_address(), *_model(), *_context_tokens()]


@register(Tags.database)
def check_profiles(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Check the runtimes and tools of profiles; only if the database may be queried."""
    try:
        profiles = Profile.objects.all() if databases else []
        return [fault for profile in profiles for fault in _profile(profile)]
    except DatabaseError:  # before the first migration there is nothing to check
        return []


def _address() -> Iterator[CheckMessage]:
    url = urlsplit(conf.base_url())
    if not conf.base_url():
        return
    if url.scheme not in ("http", "https") or not url.hostname:
        hint = "Use an address such as http://localhost:11434, or leave it empty for the provider's own."
        yield Error("ANTHROPIC_BASE_URL is not the address of a server.", hint=hint, id="agents.E001")
    elif url.scheme == "http" and conf.api_key() and not _is_local(url.hostname):
        hint = "Use https, or a server on this machine or network."
        yield Caution("The API key is sent over the network unencrypted.", hint=hint, id="agents.W001")


def _model() -> Iterator[CheckMessage]:
    if not settings.STAGENT_DEFAULT_MODEL:
        hint = "Set STAGENT_DEFAULT_MODEL, or remove it from the environment."
        yield Error("There is no default model.", hint=hint, id="agents.E002")


def _context_tokens() -> Iterator[CheckMessage]:
    text = str(settings.STAGENT_CONTEXT_TOKENS)
    if not text.isdecimal() or int(text) != conf.context_tokens():
        message = (
            f"STAGENT_CONTEXT_TOKENS={text!r} is not a number of tokens; {conf.context_tokens()} is used."
        )
        yield Caution(message, hint="Use a whole number above 0.", id="agents.W002")


def _profile(profile: Profile) -> Iterator[CheckMessage]:
    if profile.runtime not in runtimes.names():
        hint = f"Choose one of: {', '.join(runtimes.names())}."
        yield Error(
            f"Uses an unknown runtime, {profile.runtime!r}.", hint=hint, obj=profile, id="agents.E003"
        )
    # Tools of MCP servers come and go; the server's page shows their state.
    own_tools = {name for name in profile.tools if not names.is_mcp_name(name)}
    if unknown := sorted(own_tools - {"*", *registry.names()}):
        hint = f"Known tools: {', '.join(registry.names())}."
        yield Caution(f"Names unknown tools: {', '.join(unknown)}.", hint=hint, obj=profile, id="agents.W003")


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return address.is_private or address.is_loopback
