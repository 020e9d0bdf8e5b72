"""Validators of MCP server configurations: valid addresses, and references instead of secrets."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ValidationError

from agents.protocol.secret_references import has_reference, is_secret_name

type Check = Callable[[Any], None]


def check_arguments(value: Any) -> None:
    """Raise unless the value is a list of texts."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValidationError("Enter a list of texts.")


def check_env(value: Any) -> None:
    """Raise if a variable has an invalid name or contains a secret."""
    _check_pairs(value, "=")


def check_headers(value: Any) -> None:
    """Raise if a header has an invalid name or contains a secret."""
    _check_pairs(value, ": ")


def check_url(value: str) -> None:
    """Raise if the address is invalid or contains a secret."""
    try:
        url = urlsplit(value)
        host = url.hostname
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise ValidationError("Enter an address such as https://host/mcp.")
    if url.username or url.password:
        raise ValidationError(
            "The address must not contain a user name or password: use a header with a ${VARIABLE}."
        )
    if any(is_secret_name(name) and not has_reference(text) for name, text in parse_qsl(url.query)):
        raise ValidationError("This looks like a secret: use ${VARIABLE} instead.")


def _check_pairs(value: Any, mark: str) -> None:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValidationError("Enter an object of names and texts.")
    for name, text in value.items():
        _check_pair(name, text, mark)


def _check_pair(name: str, text: str, mark: str) -> None:
    if not name.replace("-", "_").isidentifier() or not text.isprintable():
        raise ValidationError(f"Write each line as name{mark}value.")
    if is_secret_name(name) and text and not has_reference(text):
        raise ValidationError(
            f"{name} looks like a secret, and secrets are not stored: set it in the environment of Stagent "
            f"and enter {name}{mark}${{VARIABLE}}."
        )
