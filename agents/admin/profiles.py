"""Profiles and projects in the console."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from agents import conf, runtimes
from agents.mcp import tool_adapter
from agents.models import Profile, Project
from agents.models.profile import NAME_CHARS
from agents.states import Permission
from agents.tools import registry
from stagent.lib.names import copy_name
from stagent.lib.web import formatting
from stagent.lib.web.admin import ConsoleAdmin

ALL_TOOLS = "*"


class ProfileForm(forms.ModelForm):
    """Tools as checkboxes, permissions as JSON."""

    tools = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="The tools that this agent is offered."
    )

    class Meta:
        model = Profile
        fields = (
            "name", "slug", "description", "instructions", "runtime", "model", "tools", "effort",
            "max_turns", "max_output_tokens", "max_cost_usd", "permissions",
        )  # fmt: skip
        widgets = {
            "permissions": forms.Textarea(attrs={"rows": 2}),
            "instructions": forms.Textarea(attrs={"rows": 12}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tools" in self.fields:
            tools = cast(forms.MultipleChoiceField, self.fields["tools"])
            mcp_tools = tool_adapter.choices()
            tools.choices = _choices({*registry.names(), *mcp_tools, *(self.instance.tools or [])}, mcp_tools)
        if "runtime" in self.fields:
            self.fields["runtime"].widget = forms.Select(choices=[(name, name) for name in runtimes.names()])
        if "model" in self.fields:
            self.fields["model"].help_text = f"Empty: the default model, {conf.default_model()}."

    def clean_permissions(self) -> dict[str, str]:
        """Refuse unknown tools and decisions: an unknown decision would silently mean deny."""
        permissions = self.cleaned_data["permissions"] or {}
        if not isinstance(permissions, dict) or not all(
            decision in Permission for decision in permissions.values()
        ):
            raise forms.ValidationError(
                'Use the form {"shell": "ask", "http_get": "deny"} with allow, ask or deny.'
            )
        if unknown := sorted(set(permissions) - {*registry.names(), *tool_adapter.choices()}):
            raise forms.ValidationError(f"Unknown tools: {', '.join(unknown)}.")
        return permissions


def _choices(names: set[str], mcp_tools: dict[str, str]) -> list[tuple[str, str]]:
    all_tools = (ALL_TOOLS, "all built-in tools, including those of later versions")
    labelled = ((name, f"{name}: {mcp_tools[name]}" if name in mcp_tools else _label(name)) for name in names)
    return [all_tools, *sorted((name, label) for name, label in labelled if name != ALL_TOOLS)]


def _label(name: str) -> str:
    tool = registry.get(name)
    return f"{name}: {tool.description.split('. ')[0].rstrip('.')}" if tool else f"{name}: unknown tool"


@admin.register(Profile)
class ProfileAdmin(ConsoleAdmin):
    form = ProfileForm
    list_display = ("name", "summary", "effective_model", "offered", "limits", "builtin")
    search_fields = ("name", "slug", "description")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("duplicate",)
    fieldsets = (
        (None, {"fields": (("name", "slug"), "description", "instructions")}),
        ("Model", {"fields": (("runtime", "model", "effort"),)}),
        ("Tools", {"fields": ("tools", "permissions")}),
        ("Default limits of a run", {"fields": (("max_turns", "max_cost_usd", "max_output_tokens"),)}),
    )
    empty_text = "No profiles yet. Add one to define an agent: its instructions, model and tools."

    def get_prepopulated_fields(self, request: HttpRequest, obj: Profile | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    @admin.display(description="about", ordering="description")
    def summary(self, profile: Profile) -> str:
        return profile.description

    @admin.display(description="model", ordering="model")
    def effective_model(self, profile: Profile) -> str:
        return profile.model or f"{conf.default_model()} (default)"

    @admin.display(description="tools")
    def offered(self, profile: Profile) -> SafeString:
        if ALL_TOOLS in profile.tools:
            return formatting.badge("all tools", "calm")
        return formatting.badge(f"{len(profile.tools)} tools", "calm", ", ".join(profile.tools))

    @admin.display(description="steps", ordering="max_turns")
    def limits(self, profile: Profile) -> SafeString:
        return formatting.count(profile.max_turns)

    @admin.action(description="Duplicate the selected profiles", permissions=["add"])
    def duplicate(self, request: HttpRequest, profiles: QuerySet[Profile]) -> None:
        """Create an editable copy of each."""
        for profile in profiles:
            copy = Profile.objects.get(pk=profile.pk)
            copy.pk, copy.builtin = None, False
            taken = set(Profile.objects.filter(name__endswith=")").values_list("name", flat=True))
            copy.name = copy_name(profile.name, "copy", NAME_CHARS, taken)
            copy.slug = _free_slug(profile.slug)
            copy.save()
            self.log_addition(request, copy, f"Copied from {profile.name}.")
        self.message_user(request, f"Copied: {', '.join(profile.name for profile in profiles)}.")


def _free_slug(slug: str) -> str:
    taken = set(Profile.objects.filter(slug__startswith=slug[:40]).values_list("slug", flat=True))
    return next(
        name for name in (f"{slug[:40]}-{number}" for number in range(2, 10_000)) if name not in taken
    )


@admin.register(Project)
class ProjectAdmin(ConsoleAdmin):
    """A project; its agents share a workspace folder named after the slug."""

    list_display = ("name", "slug", "folder", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    fields = ("name", "slug")
    empty_text = "No projects yet. Create one to give agents a workspace and optionally a budget."

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()  # the name of the folder

    def get_prepopulated_fields(self, request: HttpRequest, obj: Project | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    @admin.display(description="workspace folder")
    def folder(self, project: Project) -> str:
        return f"workspaces/{project.slug}"
