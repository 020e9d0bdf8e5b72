"""The form of an MCP server: lists and mappings are entered as lines."""

from typing import Any

from django import forms

from agents.mcp.setup import FIELDS
from agents.models import McpServer


class LinesField(forms.Field):
    """A list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class PairsField(forms.Field):
    """A mapping, one name-value pair per line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def __init__(self, separator: str, **more: Any) -> None:
        super().__init__(**more)
        self._separator = separator

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        space = "" if self._separator == "=" else " "
        return "\n".join(f"{name}{self._separator}{space}{text}" for name, text in value.items())

    def to_python(self, value: Any) -> Any:
        return dict(self._pair(line) for line in (value or "").splitlines() if line.strip())

    def _pair(self, line: str) -> tuple[str, str]:
        name, separator, text = (part.strip() for part in line.partition(self._separator))
        if not separator or not name:
            raise forms.ValidationError(f"Write each line as name{self._separator}value.")
        return name, text


class McpServerForm(forms.ModelForm):
    arguments = LinesField(required=False, help_text="One per line.")
    env = PairsField(
        "=", required=False, label="Environment",
        help_text="NAME=value, one per line. ${NAME} inserts a variable of Stagent's own environment; "
        "other variables are not passed on.",
    )  # fmt: skip
    headers = PairsField(":", required=False, help_text="One per line: Authorization: Bearer ${GITHUB_TOKEN}")

    class Meta:
        model = McpServer
        fields = FIELDS
