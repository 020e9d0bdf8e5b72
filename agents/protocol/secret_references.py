"""Secrets stay in the environment: values of a server's configuration name variables, as ${GITHUB_TOKEN}."""

import re
from collections.abc import Iterable, Mapping

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET = re.compile(
    r"authori[sz]ation|cookie|credential|passw|secret|token|(?:^|[_-])(?:auth|key|pat|pass|pwd)(?:$|[_-])|api_?key",
    re.IGNORECASE,
)
MIN_REDACTED_CHARS = 6  # redacting shorter values would damage ordinary words


class MissingVariable(Exception):
    """A value names an environment variable that is not set."""


def is_secret_name(name: str) -> bool:
    """Return whether the name of a value suggests that it must not be stored."""
    return bool(SECRET.search(name))


def has_reference(value: str) -> bool:
    return bool(REFERENCE.search(value))


def variable_names(values: Iterable[str]) -> list[str]:
    """List the variables that values refer to."""
    return sorted({name for value in values for name in REFERENCE.findall(value)})


def expand(value: str, environment: Mapping[str, str], secrets: dict[str, str]) -> str:
    """Replace variables by their values and add these to `secrets`; `MissingVariable` if one is not set."""

    def replace(match: re.Match[str]) -> str:
        if not (secret := environment.get(match[1], "")):
            raise MissingVariable(f"The environment variable {match[1]} is not set.")
        if len(secret) >= MIN_REDACTED_CHARS:
            secrets[secret] = match[0]
        return secret

    return REFERENCE.sub(replace, value)


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """Replace secrets by the names of their variables, longer secrets first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, secrets[secret])
    return text
