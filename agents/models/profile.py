"""Profiles and projects."""

from pathlib import Path

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from stagent.lib.names import validate_name

NAME_CHARS = 80
MAX_TURNS = 10_000


class Project(models.Model):
    """A set of schedules with its own workspace folder."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120, unique=True, validators=[validate_name])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def workspace(self) -> Path:
        return workspace_of(self)


def workspace_of(project: Project | None) -> Path:
    """Return the folder of a project's agents, created at the first call; without a project, a shared one."""
    folder = settings.DATA_DIR / "workspaces" / (project.slug if project else "_shared")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class Profile(models.Model):
    """An agent's instructions, model, tools and default limits."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=NAME_CHARS, validators=[validate_name])
    description = models.CharField(max_length=300, blank=True)
    instructions = models.TextField(blank=True, help_text="The system prompt.")
    runtime = models.CharField(max_length=40, default="anthropic", help_text="How the provider is called.")
    model = models.CharField(max_length=120, blank=True, help_text="Empty: the install's default model.")
    tools = models.JSONField(
        default=list, blank=True, help_text='Names of tools; ["*"] offers all safe tools.'
    )
    permissions = models.JSONField(
        default=dict,
        blank=True,
        help_text='{"tool": "allow", "ask" or "deny"}; ask: each call needs approval.',
    )
    effort = models.CharField(
        max_length=8,
        blank=True,
        choices=[
            ("low", "low"),
            ("medium", "medium"),
            ("high", "high"),
            ("xhigh", "extra high"),
            ("max", "max"),
        ],
        help_text="How much the model thinks; empty: the model's default.",
    )
    max_turns = models.PositiveIntegerField(
        "max agent steps per run",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TURNS)],
        help_text="Empty: the global default.",
    )
    max_output_tokens = models.PositiveIntegerField(
        default=8192, validators=[MinValueValidator(1)], help_text="Maximum tokens of one reply."
    )
    max_cost_usd = models.DecimalField(
        "max cost per run, USD",
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    builtin = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
