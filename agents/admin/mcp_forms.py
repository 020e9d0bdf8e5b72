"""The form of an MCP server: lists and mappings as lines, and no secret among them."""

from typing import Any

from django import forms

from agents.mcp.setup import FIELDS
from agents.models import McpServer


class Lines(forms.Field):
    """A list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class Pairs(forms.Field):
    """Names and values, a pair per line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def __init__(self, mark: str, **more: Any) -> None:
        super().__init__(**more)
        self._mark = mark

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        space = "" if self._mark == "=" else " "
        return "\n".join(f"{name}{self._mark}{space}{text}" for name, text in value.items())

    def to_python(self, value: Any) -> Any:
        return dict(self._pair(line) for line in (value or "").splitlines() if line.strip())

    def _pair(self, line: str) -> tuple[str, str]:
        name, mark, text = (part.strip() for part in line.partition(self._mark))
        if not mark or not name:
            raise forms.ValidationError(f"Write each line as name{self._mark}value.")
        return name, text


class McpServerForm(forms.ModelForm):
    """What a person says of a server."""

    arguments = Lines(required=False, help_text="One per line.")
    env = Pairs(
        "=", required=False, label="Environment",
        help_text="NAME=value, one per line. ${NAME} stands for a variable of Stagent's own environment; "
        "nothing else of it is passed on.",
    )  # fmt: skip
    headers = Pairs(":", required=False, help_text="One per line: Authorization: Bearer ${GITHUB_TOKEN}")

    class Meta:
        model = McpServer
        fields = FIELDS
