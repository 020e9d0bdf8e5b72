"""What models call the tools of a server: github__search_repositories."""

import hashlib
import re

MARK = "__"  # never part of a slug, nor of a name of ours, so it parts the two for good
LONGEST = 64  # as the Messages API has it
EVERY = "*"
STRANGE = re.compile(r"[^a-zA-Z0-9_-]")


def offered_as(slug: str, name: str, taken: set[str]) -> str:
    """Make the name of a tool; one that would be too long or somebody else's is told apart by a hash."""
    full = f"{slug}{MARK}{STRANGE.sub('_', name)}"
    if len(full) <= LONGEST and full not in taken:
        return full
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{full[: LONGEST - len(mark) - 1]}_{mark}"


def is_foreign(name: str) -> bool:
    """Tell whether this names a tool of a server, or with a star all of its tools."""
    return MARK in name


def every(slug: str) -> str:
    """Name all tools of a server that are allowed."""
    return f"{slug}{MARK}{EVERY}"


def names_it(wanted: str, name: str) -> bool:
    """Tell whether a name in a profile means this tool."""
    return wanted == name or (wanted.endswith(MARK + EVERY) and name.startswith(wanted[:-1]))
