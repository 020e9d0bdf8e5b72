"""The names under which models see the tools of a server, for example github__search_repositories."""

import hashlib
import re

SEPARATOR = "__"  # never part of a slug or of a built-in tool name, so the name can be split
MAX_CHARS = 64  # limit of the Messages API
WILDCARD = "*"
INVALID = re.compile(r"[^a-zA-Z0-9_-]")


def build_name(slug: str, name: str, taken: set[str]) -> str:
    """Build the name of a tool; a hash is added if it is too long or taken."""
    full = f"{slug}{SEPARATOR}{INVALID.sub('_', name)}"
    if len(full) <= MAX_CHARS and full not in taken:
        return full
    suffix = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{full[: MAX_CHARS - len(suffix) - 1]}_{suffix}"


def is_mcp_name(name: str) -> bool:
    """Return whether this names a tool of a server, or all of its tools (slug__*)."""
    return SEPARATOR in name


def wildcard(slug: str) -> str:
    """Return the name that stands for all allowed tools of a server."""
    return f"{slug}{SEPARATOR}{WILDCARD}"


def matches(pattern: str, name: str) -> bool:
    """Return whether a name in a profile, possibly with a wildcard, covers this tool."""
    return pattern == name or (pattern.endswith(SEPARATOR + WILDCARD) and name.startswith(pattern[:-1]))
