"""The default profiles: one TOML file each, added to the database of a new install and edited there."""

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load_defaults() -> list[dict[str, Any]]:
    """Read the default profiles, sorted by slug."""
    return [
        {"slug": path.stem} | tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml"))
    ]


def install_defaults(model_class: Any) -> None:
    """Add the missing default profiles; existing ones are unchanged."""
    for profile in load_defaults():
        model_class.objects.get_or_create(slug=profile["slug"], defaults=profile | {"builtin": True})
