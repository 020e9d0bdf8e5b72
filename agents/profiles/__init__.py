"""The default profiles: one file each, installed into the database once and edited there."""

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def shipped() -> list[dict[str, Any]]:
    """Return the default profiles, by slug."""
    return [
        {"slug": path.stem} | tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml"))
    ]


def install(model: Any) -> None:
    """Add the missing profiles; existing ones are unchanged."""
    for profile in shipped():
        model.objects.get_or_create(slug=profile["slug"], defaults=profile | {"builtin": True})
