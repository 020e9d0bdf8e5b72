"""The settings of the agents app, read at each call so that tests can override them."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

PROVIDER_HOST = "api.anthropic.com"
PROVIDER_URL = f"https://{PROVIDER_HOST}"
OFFLINE_MODEL = "offline model"  # the name shown to users
DEFAULT_CONTEXT_TOKENS = 180_000


def default_model() -> str:
    """Return the model of profiles without one; without a key and an address, the offline model."""
    return OFFLINE_MODEL if offline() else str(settings.STAGENT_DEFAULT_MODEL)


def context_tokens() -> int:
    """Return the length of a conversation above which old tool results are cleared."""
    try:
        tokens = int(settings.STAGENT_CONTEXT_TOKENS)
    except ValueError:
        return DEFAULT_CONTEXT_TOKENS  # a system check reports it
    return tokens if tokens > 0 else DEFAULT_CONTEXT_TOKENS


def approval_timeout() -> timedelta:
    """Return how long an approval request stays open."""
    return timedelta(seconds=settings.STAGENT_APPROVAL_EXPIRES_SEC)


def mcp_max_processes() -> int:
    """Return how many MCP servers one process may run at once."""
    return max(1, int(settings.STAGENT_MCP_MAX_PROCESSES))


def api_key() -> str:
    return str(settings.ANTHROPIC_API_KEY)


def base_url() -> str:
    """Return the configured address; empty for the provider's own."""
    return str(settings.ANTHROPIC_BASE_URL)


def offline() -> bool:
    """Return whether the offline model replies, because neither a key nor an address is set."""
    return not api_key() and not base_url()


def is_provider(url: str) -> bool:
    """Return whether an address is the provider's own."""
    return not url or urlsplit(url).hostname == PROVIDER_HOST
