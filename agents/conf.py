"""The agents' settings, read on each call so that tests can override them."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

PROVIDER_HOST = "api.anthropic.com"
PROVIDER_URL = f"https://{PROVIDER_HOST}"
OFFLINE_MODEL = "offline model"  # as everybody is told who answers
DEFAULT_CONTEXT_TOKENS = 180_000


def default_model() -> str:
    """Return the model of profiles without one; without key and address, the offline model."""
    return OFFLINE_MODEL if offline() else str(settings.STAGENT_DEFAULT_MODEL)


def context_tokens() -> int:
    """Return the length of a conversation from which old tool results are cleared."""
    try:
        tokens = int(settings.STAGENT_CONTEXT_TOKENS)
    except ValueError:
        return DEFAULT_CONTEXT_TOKENS  # a system check says so
    return tokens if tokens > 0 else DEFAULT_CONTEXT_TOKENS


def approval_timeout() -> timedelta:
    """Return how long a person has to answer an agent."""
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
    """Return whether the offline model answers, without key and address."""
    return not api_key() and not base_url()


def is_provider(url: str) -> bool:
    """Return whether an address is the provider's own."""
    return not url or urlsplit(url).hostname == PROVIDER_HOST
