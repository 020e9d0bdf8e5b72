"""Reads settings from the environment."""

import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

log = logging.getLogger(__name__)

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """Return the variable without surrounding blanks; the default if it is empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool) -> bool:
    """Return the variable as a boolean. Raises ImproperlyConfigured for any other value."""
    value = text(name)
    if not value:
        return default
    if value.lower() in TRUE | FALSE:
        return value.lower() in TRUE
    raise ImproperlyConfigured(f"{name}={value!r} is not a boolean. Use 1 or 0.")


def number(name: str, default: int, least: int = 0) -> int:
    """Return the variable as an integer; an invalid one, or one below `least`, is ignored with a warning."""
    value = text(name, str(default))
    if value.isascii() and value.isdecimal() and int(value) >= least:
        return int(value)
    _warn(name, value, default)
    return default


def choice(name: str, allowed: Sequence[str]) -> str:
    """Return the variable if it is allowed; else the first allowed value, with a warning."""
    value = text(name, allowed[0]).upper()
    if value in allowed:
        return value
    _warn(name, value, allowed[0])
    return allowed[0]


def zone(name: str, default: str) -> str:
    """Return the variable as the name of a time zone. Raises ImproperlyConfigured for an unknown zone."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        hint = "use a name such as Europe/Berlin or UTC."
        raise ImproperlyConfigured(f"{name}={value!r} is not a time zone; {hint}") from None
    return value


def _warn(name: str, value: str, default: object) -> None:
    log.warning(
        "%s=%r in the environment is not valid and is ignored. The default is %s.", name, value, default
    )


def string_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated values of the variable."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def folder(name: str, default: Path) -> Path:
    """Return the folder that the variable names; create it, accessible to its owner only, if it is
    missing.
    """
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {path} cannot be created ({error.strerror}). Set {name}."
        ) from None
    return path


def generated_secret(path: Path) -> str:
    """Return the secret of a file, which the first call generates; concurrent processes get the same one."""
    try:
        if not path.exists():
            _publish(path, secrets.token_urlsafe(50))
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be written or read ({error.strerror}); "
            "set SECRET_KEY, or another STAGENT_DATA_DIR."
        ) from None


def _publish(path: Path, secret: str) -> None:
    # Written to a temporary file, then linked, so that no process reads an empty file.
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    with suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
