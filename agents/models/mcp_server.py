"""MCP servers and their tools (Model Context Protocol)."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from agents.models import mcp_rules
from agents.states import McpToolState, McpTransport, Permission
from stagent.lib.names import validate_name

MAX_SLUG_CHARS = 24  # a tool's name has 64 characters in all
SLUG = RegexValidator(
    r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z", "Use lower-case letters and digits, separated by single dashes."
)
TRANSPORT_FIELDS = {
    McpTransport.STDIO: ("command", "arguments", "env"),
    McpTransport.HTTP: ("url", "headers"),
}
SECONDS = (MinValueValidator(1), MaxValueValidator(600))


class McpServer(models.Model):
    """The configuration of a server; secrets are references such as ${VARIABLE}, never stored."""

    slug = models.CharField(
        max_length=MAX_SLUG_CHARS,
        unique=True,
        validators=[SLUG],
        help_text="Prefix of its tools' names; it cannot be changed: github gives github__search.",
    )
    name = models.CharField(max_length=80, unique=True, validators=[validate_name])
    enabled = models.BooleanField(default=True, help_text="Off: its tools are not offered.")
    transport = models.CharField(max_length=8, choices=McpTransport.choices, default=McpTransport.STDIO)
    command = models.CharField(
        max_length=500, blank=True, help_text="The program, found on the PATH of the scheduler and the web."
    )
    arguments = models.JSONField(
        default=list, blank=True, validators=[mcp_rules.check_arguments], help_text="One per line."
    )
    env = models.JSONField(
        "environment",
        default=dict,
        blank=True,
        validators=[mcp_rules.check_env],
        help_text="NAME=value, one per line; ${VARIABLE} is read from Stagent's environment.",
    )
    url = models.CharField(
        "address", max_length=500, blank=True, validators=[mcp_rules.check_url], help_text="https://host/mcp"
    )
    headers = models.JSONField(
        default=dict,
        blank=True,
        validators=[mcp_rules.check_headers],
        help_text="Authorization: Bearer ${GITHUB_TOKEN}, one per line.",
    )
    permission = models.CharField(
        max_length=8,
        choices=[(Permission.ASK, "ask for approval"), (Permission.ALLOW, "allow")],
        default=Permission.ASK,
        help_text="For tools that a profile gives no permission.",
    )
    connect_timeout_sec = models.PositiveSmallIntegerField(
        default=30, validators=SECONDS, help_text="To start, initialise and list its tools."
    )
    call_timeout_sec = models.PositiveSmallIntegerField(
        default=60, validators=SECONDS, help_text="For one call."
    )
    announced = models.CharField(max_length=200, blank=True, help_text="The name that the server reports.")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When it last listed its tools.")
    error = models.TextField(blank=True, help_text="The latest error.")
    error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "MCP server"
        permissions = [("set_up_mcpserver", "Can set up MCP servers: their commands run on this machine")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(command="", transport=McpTransport.STDIO)
                & ~Q(url="", transport=McpTransport.HTTP),
                name="mcp_server_can_be_reached",
                violation_error_message="Enter a command or an address.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def unused_fields(self) -> list[str]:
        """The fields that the other transport uses."""
        return [
            name
            for transport, names in TRANSPORT_FIELDS.items()
            if transport != self.transport
            for name in names
        ]

    def clean(self) -> None:
        """Reset the fields of the other transport and require those of this one."""
        for name in self.unused_fields:
            column: Any = self._meta.get_field(name)
            setattr(self, name, column.get_default())
        required = TRANSPORT_FIELDS[McpTransport(self.transport)][0]
        if not getattr(self, required):
            raise ValidationError({required: "Required for this transport."})


class McpToolQuerySet(models.QuerySet["McpTool"]):
    def offered(self) -> "McpToolQuerySet":
        """Return the tools to offer: allowed in their current definition, of enabled servers."""
        return self.allowed().filter(server__enabled=True, gone=False, digest=models.F("allowed_digest"))

    def allowed(self) -> "McpToolQuerySet":
        """Return the tools that were allowed, in any state."""
        return self.exclude(allowed_digest="")


class McpTool(models.Model):
    """A tool as its server last listed it, and as it was allowed."""

    server = models.ForeignKey(McpServer, models.CASCADE, related_name="tools")
    name = models.CharField(max_length=200, help_text="Its name at the server.")
    offered_as = models.CharField(
        max_length=64, unique=True, help_text="Its name for models and in profiles."
    )
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    input_schema = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict, help_text="Hints from the server; not verified.")
    digest = models.CharField(max_length=64, help_text="Hash of the definition.")
    fault = models.CharField(max_length=300, blank=True, help_text="Why it cannot be offered.")
    gone = models.BooleanField(default=False, help_text="No longer listed by its server.")
    allowed_digest = models.CharField(max_length=64, blank=True, help_text="Empty: not allowed yet.")
    allowed_as = models.JSONField(null=True, help_text="The allowed definition, to show later changes.")
    allowed_at = models.DateTimeField(null=True)
    allowed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="allowed_mcp_tools"
    )

    objects = McpToolQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "MCP tool"
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["server", "name"], name="mcp_tool_once_per_server")]

    def __str__(self) -> str:
        return self.offered_as

    @property
    def state(self) -> McpToolState:
        """Return whether it is offered, and if not, why."""
        if self.gone:
            return McpToolState.GONE
        if self.fault:
            return McpToolState.UNFIT
        if not self.allowed_digest:
            return McpToolState.NEW
        return McpToolState.OFFERED if self.allowed_digest == self.digest else McpToolState.CHANGED
