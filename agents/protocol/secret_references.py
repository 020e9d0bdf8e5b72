"""Secrets stay in the environment: a value of a server's set-up names a variable, as ${GITHUB_TOKEN}."""

import re
from collections.abc import Iterable, Mapping

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET = re.compile(
    r"authori[sz]ation|cookie|credential|passw|secret|token|(?:^|[_-])(?:auth|key|pat|pass|pwd)(?:$|[_-])|api_?key",
    re.IGNORECASE,
)
SHORTEST_HIDDEN = 6  # characters; hiding a shorter value would tear words apart


class MissingVariable(Exception):
    """A value names an environment variable that is not set; the message names it."""


def looks_secret(name: str) -> bool:
    """Tell by its name whether a value is one that must not be kept."""
    return bool(SECRET.search(name))


def has_reference(value: str) -> bool:
    return bool(REFERENCE.search(value))


def named(values: Iterable[str]) -> list[str]:
    """List the variables that values name."""
    return sorted({name for value in values for name in REFERENCE.findall(value)})


def expand(value: str, environment: Mapping[str, str], hidden: dict[str, str]) -> str:
    """Put the variables in and add them to `hidden`; `MissingVariable` where one is not set."""

    def put(found: re.Match[str]) -> str:
        if not (secret := environment.get(found[1], "")):
            raise MissingVariable(f"The environment variable {found[1]} is not set here.")
        if len(secret) >= SHORTEST_HIDDEN:
            hidden[secret] = found[0]
        return secret

    return REFERENCE.sub(put, value)


def conceal(text: str, hidden: Mapping[str, str]) -> str:
    """Put the names of variables back in the place of what they hold; longer secrets first."""
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, hidden[secret])
    return text
