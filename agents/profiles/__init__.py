"""The agents that ship with the product: one file for each, put into the database once and edited there."""

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def shipped() -> list[dict[str, Any]]:
    """Read the files, by slug."""
    return [
        {"slug": path.stem} | tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml"))
    ]


def install(model: Any) -> None:
    """Add the profiles that are not there yet; one that somebody has edited stays as it is."""
    for profile in shipped():
        model.objects.get_or_create(slug=profile["slug"], defaults=profile | {"builtin": True})
