"""The catalogue: one model, which answers under any name."""

from typing import Any

NAME = "stagent-offline"


def page() -> dict[str, Any]:
    """List the one model there is."""
    return {"data": [info(NAME)], "has_more": False, "first_id": NAME, "last_id": NAME}


def info(name: str) -> dict[str, Any]:
    """Describe the model under the name that was asked for."""
    return {
        "type": "model",
        "id": name,
        "display_name": "Stagent's offline model",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
