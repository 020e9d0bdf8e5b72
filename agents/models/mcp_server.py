"""MCP servers and their tools."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from agents.models import mcp_rules
from agents.states import McpToolState, McpTransport, Permission
from stagent.lib.names import validate_name

LONGEST_SLUG = 24  # what is left of a tool's 64 characters is for its own name
SLUG = RegexValidator(
    r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z", "Use small letters and digits, with single dashes between."
)
WAYS = {McpTransport.STDIO: ("command", "arguments", "env"), McpTransport.HTTP: ("url", "headers")}
SECONDS = (MinValueValidator(1), MaxValueValidator(600))


class McpServer(models.Model):
    """The connection of a server; secrets are references such as ${VARIABLE}."""

    slug = models.CharField(
        max_length=LONGEST_SLUG,
        unique=True,
        validators=[SLUG],
        help_text="What the names of its tools begin with, for good: github makes github__search.",
    )
    name = models.CharField(max_length=80, unique=True, validators=[validate_name])
    enabled = models.BooleanField(default=True, help_text="Off: none of its tools is offered to anybody.")
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
        help_text="NAME=value, one per line; ${OURS} is our own.",
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
        choices=[(Permission.ASK, "ask a person, each time"), (Permission.ALLOW, "allow")],
        default=Permission.ASK,
        help_text="What its tools may do where a profile says nothing about them.",
    )
    connect_timeout_sec = models.PositiveSmallIntegerField(
        default=30, validators=SECONDS, help_text="To start, greet and list its tools."
    )
    call_timeout_sec = models.PositiveSmallIntegerField(
        default=60, validators=SECONDS, help_text="For one call."
    )
    announced = models.CharField(max_length=200, blank=True, help_text="What it calls itself.")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When it last listed its tools.")
    error = models.TextField(blank=True, help_text="Why it could not be used the last time it was tried.")
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
                violation_error_message="A command, or an address, is needed to reach it.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def of_other_ways(self) -> list[str]:
        """The fields that belong to other transports."""
        return [name for way, names in WAYS.items() if way != self.transport for name in names]

    def clean(self) -> None:
        """Clear the fields of other transports, and require those of this one."""
        for name in self.of_other_ways:
            column: Any = self._meta.get_field(name)
            setattr(self, name, column.get_default())
        needed = WAYS[McpTransport(self.transport)][0]
        if not getattr(self, needed):
            raise ValidationError({needed: "It is needed to reach the server this way."})


class McpToolQuerySet(models.QuerySet["McpTool"]):
    def offered(self) -> "McpToolQuerySet":
        """Filter tools that models may see: allowed in their current version, on an enabled server."""
        return self.allowed().filter(server__enabled=True, gone=False, digest=models.F("allowed_digest"))

    def allowed(self) -> "McpToolQuerySet":
        """Filter tools that were allowed, whatever happened since."""
        return self.exclude(allowed_digest="")


class McpTool(models.Model):
    """A tool as its server last described it, and as it was when it was allowed."""

    server = models.ForeignKey(McpServer, models.CASCADE, related_name="tools")
    name = models.CharField(max_length=200, help_text="What the server calls it.")
    offered_as = models.CharField(max_length=64, unique=True, help_text="What models and profiles call it.")
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    input_schema = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict, help_text="The server's own word about itself: hints only.")
    digest = models.CharField(max_length=64, help_text="Of all of that.")
    fault = models.CharField(max_length=300, blank=True, help_text="Why it cannot be offered at all.")
    gone = models.BooleanField(default=False, help_text="Its server does not list it any more.")
    allowed_digest = models.CharField(max_length=64, blank=True, help_text="Empty: nobody has allowed it.")
    allowed_as = models.JSONField(null=True, help_text="What was allowed, to show what has changed since.")
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
