"""Validates the settings of an MCP server: URLs, and references instead of secrets."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ValidationError

from agents.protocol.secret_references import has_reference, is_secret_name

type Check = Callable[[Any], None]


def check_arguments(value: Any) -> None:
    """Raise unless this is a list of texts."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValidationError("Write a list of texts.")


def check_env(value: Any) -> None:
    """Raise for variables with an invalid name or a secret."""
    _check_pairs(value, "=")


def check_headers(value: Any) -> None:
    """Raise for headers with an invalid name or a secret."""
    _check_pairs(value, ": ")


def check_url(value: str) -> None:
    """Raise for an invalid URL or secrets in it."""
    try:
        url = urlsplit(value)
        host = url.hostname
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise ValidationError("Write it like https://host/mcp.")
    if url.username or url.password:
        raise ValidationError("No name and password here: use a header with a ${VARIABLE}.")
    if any(is_secret_name(name) and not has_reference(text) for name, text in parse_qsl(url.query)):
        raise ValidationError("That looks like a secret: write ${VARIABLE} in its place.")


def _check_pairs(value: Any, mark: str) -> None:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValidationError("Write names, each with a text.")
    for name, text in value.items():
        _check_pair(name, text, mark)


def _check_pair(name: str, text: str, mark: str) -> None:
    if not name.replace("-", "_").isidentifier() or not text.isprintable():
        raise ValidationError(f"Write each line as name{mark}value.")
    if is_secret_name(name) and text and not has_reference(text):
        raise ValidationError(
            f"{name} looks like a secret, and secrets are not kept here: put it into the environment of "
            f"Stagent and write {name}{mark}${{VARIABLE}}."
        )
