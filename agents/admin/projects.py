"""Projects in the console."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.models import Project
from stagent.lib.admin import ConsoleAdmin


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
