"""MCP servers in the console: how they are reached, which tools they bring, and who may use them."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.safestring import SafeString

from agents.admin.mcp_forms import McpServerForm
from agents.admin.mcp_rows import rows
from agents.mcp import discovery, probe, setup
from agents.models import McpServer, McpTool
from agents.states import McpToolState
from stagent.lib import clock
from stagent.lib.text import shorten
from stagent.lib.web import formatting
from stagent.lib.web.admin import ConsoleAdmin, operator

SET_UP_PERMISSION = f"agents.{setup.SET_UP_PERMISSION}"


@admin.register(McpServer)
class McpServerAdmin(ConsoleAdmin):
    form = McpServerForm
    change_form_template = "admin/agents/mcpserver/change_form.html"
    list_display = ("name", "state", "way", "offers", "seen", "slug")
    search_fields = ("name", "slug")
    actions = ("try_them",)
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": (("name", "slug", "enabled"),)}),
        ("How it is reached", {"fields": ("transport", "command", "arguments", "env", "url", "headers")}),
        ("Limits", {"fields": (("permission", "connect_timeout_sec", "call_timeout_sec"),)}),
    )
    empty_text = (
        "No MCP servers. One brings tools of another program or service: add how it is reached, test it, "
        "and allow the tools that you have looked at."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[McpServer]:
        return super().get_queryset(request).prefetch_related("tools")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/try/", view(self.try_one), name="agents_mcpserver_try"),
            path("<int:pk>/tools/", view(self.decide), name="agents_mcpserver_tools"),
            *super().get_urls(),
        ]

    # Who may what: a command of one's choice is the machine, so that is a right of its own.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and request.user.has_perm(SET_UP_PERMISSION)

    def get_readonly_fields(self, request: HttpRequest, obj: McpServer | None = None) -> Any:
        fixed = ("slug",) if obj else ()
        return fixed if request.user.has_perm(SET_UP_PERMISSION) else (*fixed, *setup.CONNECTION_FIELDS)

    def get_prepopulated_fields(self, request: HttpRequest, obj: McpServer | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    # The list.

    @admin.display(description="state")
    def state(self, server: McpServer) -> SafeString:
        if not server.enabled:
            return formatting.badge("off", "calm", "None of its tools is offered")
        if server.error:
            return formatting.badge("failing", "bad", server.error)
        if server.seen_at is None:
            return formatting.badge("never tried", "wait", "Test it to find its tools")
        return formatting.badge("reachable", "good", server.announced)

    @admin.display(description="reached by", ordering="transport")
    def way(self, server: McpServer) -> str:
        return shorten(server.command.rpartition("/")[2] or server.url.partition("?")[0], 60)

    @admin.display(description="tools offered")
    def offers(self, server: McpServer) -> SafeString:
        states = [tool.state for tool in server.tools.all()]
        text = f"{states.count(McpToolState.OFFERED)} of {len(states)}"
        if changed := states.count(McpToolState.CHANGED):
            return formatting.badge(
                f"{text}, {changed} changed", "wait", "Not offered until somebody has looked"
            )
        return formatting.badge(text, "calm")

    @admin.display(description="seen", ordering="seen_at")
    def seen(self, server: McpServer) -> SafeString:
        return formatting.ago(server.seen_at, clock.now())

    # One server.

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        server = kwargs.get("obj")
        more = {"rows": rows(server), "state": self.state(server)} if server else {}
        may = {"may_decide": bool(server) and self.has_change_permission(request, server)}
        return super().render_change_form(request, context | more | may, *args, **kwargs)

    def try_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Connect now and find its tools; outside of any transaction, for it may take a while."""
        server = self._to_change(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._try(request, server)
        return redirect("admin:agents_mcpserver_change", pk)

    @admin.action(description="Test the chosen servers and look for tools", permissions=["change"])
    def try_them(self, request: HttpRequest, servers: QuerySet[McpServer]) -> None:
        """Try one after the other."""
        for server in servers:
            self._try(request, server)

    def _try(self, request: HttpRequest, server: McpServer) -> None:
        if wrong := probe.refresh(server, clock.now()):
            return self.message_user(request, f"{server.name}: {wrong}", messages.ERROR)
        states = [tool.state for tool in server.tools.filter(gone=False)]
        new = f", {count} of them new" if (count := states.count(McpToolState.NEW)) else ""
        says = f"{server.name} answers and has {len(states)} tools{new}."
        return self.message_user(request, says, messages.SUCCESS)

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Offer the tools that were ticked, as they were shown, and none of the others on the page."""
        server = self._to_change(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ticked = dict(each.split(":", 1) for each in request.POST.getlist("offer") if ":" in each)
        pks = [each for each in request.POST.getlist("shown") if each.isdecimal()]
        shown = list(server.tools.filter(pk__in=pks))
        fresh = [tool for tool in shown if ticked.get(str(tool.pk), "") not in ("", tool.allowed_digest)]
        other = self._allow(request, fresh, ticked)
        # One that changed and was not ticked again stays what it is: not offered, and shown with its changes.
        dropped = [
            tool for tool in shown if tool.state == McpToolState.OFFERED and str(tool.pk) not in ticked
        ]
        discovery.disallow(dropped)
        self._tell(request, server, "Allowed", [tool for tool in fresh if tool not in other])
        self._tell(request, server, "Stopped offering", dropped)
        return redirect("admin:agents_mcpserver_change", pk)

    def _allow(self, request: HttpRequest, tools: list[McpTool], seen: dict[str, str]) -> list[McpTool]:
        """Allow tools as they were shown; return, and name, those that are something else by now."""
        pairs = [(tool, seen[str(tool.pk)]) for tool in tools]
        other = discovery.allow(pairs, operator(request), clock.now())
        if other:
            names = ", ".join(tool.name for tool in other)
            says = f"Not allowed, for they are not what you were shown any more: {names}. Look again."
            self.message_user(request, says, messages.WARNING)
        return other

    def _tell(self, request: HttpRequest, server: McpServer, done: str, tools: list[McpTool]) -> None:
        if tools:
            names = ", ".join(tool.offered_as for tool in tools)
            self.log_change(request, server, f"{done}: {names}.")
            self.message_user(request, f"{done}: {names}.", messages.SUCCESS)

    def _to_change(self, request: HttpRequest, pk: int) -> McpServer:
        server = get_object_or_404(McpServer, pk=pk)
        if not self.has_change_permission(request, server):
            raise PermissionDenied
        return server
