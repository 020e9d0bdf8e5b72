"""The form of an MCP server: lists and mappings as lines, and no secret among them."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django import forms

from agents.mcp.references import has_reference, looks_secret
from agents.models import McpServer
from agents.states import McpTransport

OF_STDIO: dict[str, Any] = {"command": "", "arguments": [], "env": {}}
OF_HTTP: dict[str, Any] = {"url": "", "headers": {}}
REACH = ("transport", "command", "arguments", "env", "url", "headers")


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
        if not mark or not name or not name.replace("-", "_").isidentifier() or not text.isprintable():
            raise forms.ValidationError(f"Write each line as name{self._mark}value.")
        if looks_secret(name) and text and not has_reference(text):
            raise forms.ValidationError(
                f"{name} looks like a secret, and secrets are not kept here: put it into the environment of "
                f"Stagent and write {name}{self._mark}${{VARIABLE}}."
            )
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
        fields = (
            "name", "slug", "enabled", *REACH, "permission", "connect_timeout_sec", "call_timeout_sec",
        )  # fmt: skip

    def clean_url(self) -> str:
        """Refuse what is no address, and secrets in it."""
        given: str = self.cleaned_data["url"].strip()
        if not given:
            return ""
        url = urlsplit(given)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise forms.ValidationError("Write it like https://host/mcp.")
        if url.username or url.password:
            raise forms.ValidationError("No name and password here: use a header with a ${VARIABLE}.")
        if any(looks_secret(name) and not has_reference(value) for name, value in parse_qsl(url.query)):
            raise forms.ValidationError("That looks like a secret: write ${VARIABLE} in its place.")
        return given

    def clean(self) -> dict[str, Any] | None:
        """Keep only what belongs to the way it is reached."""
        data = super().clean() or self.cleaned_data
        if "transport" in self.fields:
            is_stdio = data.get("transport") == McpTransport.STDIO
            data.update(OF_HTTP if is_stdio else OF_STDIO)
            needed = "command" if is_stdio else "url"
            if not data.get(needed) and needed not in self.errors:
                self.add_error(needed, "It is needed to reach the server this way.")
        return data
