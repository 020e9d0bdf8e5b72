"""Profiles in the console: who the agents are, what they may use, and their default limits."""

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
from stagent.lib.names import free_copy
from stagent.lib.web import formatting
from stagent.lib.web.admin import ConsoleAdmin

EVERY_TOOL = "*"


class ProfileForm(forms.ModelForm):
    """Tools as boxes to tick, permissions as a choice for each tool."""

    tools = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="What this agent is offered."
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
            foreign = tool_adapter.choices()
            tools.choices = _choices({*registry.names(), *foreign, *(self.instance.tools or [])}, foreign)
        if "runtime" in self.fields:
            self.fields["runtime"].widget = forms.Select(choices=[(name, name) for name in runtimes.names()])
        if "model" in self.fields:
            self.fields["model"].help_text = f"Empty: the install's default model, {conf.default_model()}."

    def clean_permissions(self) -> dict[str, str]:
        """Refuse what is no decision about a tool, for it would quietly mean deny."""
        given = self.cleaned_data["permissions"] or {}
        if not isinstance(given, dict) or not all(decision in Permission for decision in given.values()):
            raise forms.ValidationError(
                'Write it like {"shell": "ask", "http_get": "deny"}; allow, ask and deny are known.'
            )
        if unknown := sorted(set(given) - {*registry.names(), *tool_adapter.choices()}):
            raise forms.ValidationError(f"Not known here: {', '.join(unknown)}.")
        return given


def _choices(names: set[str], foreign: dict[str, str]) -> list[tuple[str, str]]:
    every = (EVERY_TOOL, "every tool of Stagent's own, those of later versions too")
    found = ((name, f"{name}: {foreign[name]}" if name in foreign else _about(name)) for name in names)
    return [every, *sorted((name, about) for name, about in found if name != EVERY_TOOL)]


def _about(name: str) -> str:
    tool = registry.get(name)
    return f"{name}: {tool.description.split('. ')[0].rstrip('.')}" if tool else f"{name}: not known here"


@admin.register(Profile)
class ProfileAdmin(ConsoleAdmin):
    form = ProfileForm
    list_display = ("name", "about", "which_model", "offered", "limits", "builtin")
    search_fields = ("name", "slug", "description")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("duplicate",)
    fieldsets = (
        (None, {"fields": (("name", "slug"), "description", "instructions")}),
        ("Model", {"fields": (("runtime", "model", "effort"),)}),
        ("Tools", {"fields": ("tools", "permissions")}),
        ("Default limits of a run", {"fields": (("max_turns", "max_cost_usd", "max_output_tokens"),)}),
    )
    empty_text = "No profiles. Add one: who the agent is, in its instructions, and which tools it may use."

    def get_prepopulated_fields(self, request: HttpRequest, obj: Profile | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    @admin.display(description="about", ordering="description")
    def about(self, profile: Profile) -> str:
        return profile.description

    @admin.display(description="model", ordering="model")
    def which_model(self, profile: Profile) -> str:
        return profile.model or f"{conf.default_model()} (default)"

    @admin.display(description="tools")
    def offered(self, profile: Profile) -> SafeString:
        if EVERY_TOOL in profile.tools:
            return formatting.badge("every tool", "calm")
        return formatting.badge(f"{len(profile.tools)} tools", "calm", ", ".join(profile.tools))

    @admin.display(description="steps", ordering="max_turns")
    def limits(self, profile: Profile) -> SafeString:
        return formatting.count(profile.max_turns)

    @admin.action(description="Duplicate the chosen profiles", permissions=["add"])
    def duplicate(self, request: HttpRequest, profiles: QuerySet[Profile]) -> None:
        """Make an editable copy of each."""
        for profile in profiles:
            copied = Profile.objects.get(pk=profile.pk)
            copied.pk, copied.builtin = None, False
            copies = set(Profile.objects.filter(name__endswith=")").values_list("name", flat=True))
            copied.name = free_copy(profile.name, "copy", NAME_CHARS, copies)
            copied.slug = _free_slug(profile.slug)
            copied.save()
            self.log_addition(request, copied, f"Copied from {profile.name}.")
        self.message_user(request, f"Copied: {', '.join(profile.name for profile in profiles)}.")


def _free_slug(slug: str) -> str:
    taken = set(Profile.objects.filter(slug__startswith=slug[:40]).values_list("slug", flat=True))
    return next(
        name for name in (f"{slug[:40]}-{number}" for number in range(2, 10_000)) if name not in taken
    )


@admin.register(Project)
class ProjectAdmin(ConsoleAdmin):
    """A body of work; its agents' files lie in a folder of its own, named by the slug."""

    list_display = ("name", "slug", "folder", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    fields = ("name", "slug")
    empty_text = "No projects yet. A project gives its agents a folder of their own and can have a budget."

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()  # the folder has this name

    def get_prepopulated_fields(self, request: HttpRequest, obj: Project | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    @admin.display(description="folder of its agents")
    def folder(self, project: Project) -> str:
        return f"workspaces/{project.slug}"
