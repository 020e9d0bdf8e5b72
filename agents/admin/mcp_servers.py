"""MCP servers in the console: connection, test, and the decision about their tools."""

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
from stagent.lib.web.admin import ConsoleAdmin, user_of

SET_UP_PERMISSION = f"agents.{setup.SET_UP_PERMISSION}"


@admin.register(McpServer)
class McpServerAdmin(ConsoleAdmin):
    form = McpServerForm
    change_form_template = "admin/agents/mcpserver/change_form.html"
    list_display = ("name", "state", "connection", "offered", "seen", "slug")
    search_fields = ("name", "slug")
    actions = ("test_servers",)
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": (("name", "slug", "enabled"),)}),
        ("Connection", {"fields": ("transport", "command", "arguments", "env", "url", "headers")}),
        ("Limits", {"fields": (("permission", "connect_timeout_sec", "call_timeout_sec"),)}),
    )
    empty_text = (
        "No MCP servers yet. Add one to use the tools of another program or service: enter its connection, "
        "test it, review its tools and allow them."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[McpServer]:
        return super().get_queryset(request).prefetch_related("tools")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/try/", view(self.test_server), name="agents_mcpserver_try"),
            path("<int:pk>/tools/", view(self.decide), name="agents_mcpserver_tools"),
            *super().get_urls(),
        ]

    # The connection fields decide which commands run on this machine: they need a permission of their own.

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
            return formatting.badge("off", "calm", "Its tools are not offered")
        if server.error:
            return formatting.badge("failing", "bad", server.error)
        if server.seen_at is None:
            return formatting.badge("not tested", "wait", "Test it to list its tools")
        return formatting.badge("reachable", "good", server.announced)

    @admin.display(description="connection", ordering="transport")
    def connection(self, server: McpServer) -> str:
        return shorten(server.command.rpartition("/")[2] or server.url.partition("?")[0], 60)

    @admin.display(description="tools offered")
    def offered(self, server: McpServer) -> SafeString:
        states = [tool.state for tool in server.tools.all()]
        text = f"{states.count(McpToolState.OFFERED)} of {len(states)}"
        if changed := states.count(McpToolState.CHANGED):
            return formatting.badge(
                f"{text}, {changed} changed", "wait", "Changed tools are not offered until reviewed"
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
        details = {"rows": rows(server), "state": self.state(server)} if server else {}
        permissions = {"can_decide": bool(server) and self.has_change_permission(request, server)}
        return super().render_change_form(request, context | details | permissions, *args, **kwargs)

    def test_server(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Connect and list the tools; not in a transaction, because it can take long."""
        server = self._get_changeable(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._test(request, server)
        return redirect("admin:agents_mcpserver_change", pk)

    @admin.action(description="Test the selected servers", permissions=["change"])
    def test_servers(self, request: HttpRequest, servers: QuerySet[McpServer]) -> None:
        for server in servers:
            self._test(request, server)

    def _test(self, request: HttpRequest, server: McpServer) -> None:
        if error := probe.refresh(server, clock.now()):
            return self.message_user(request, f"{server.name}: {error}", messages.ERROR)
        states = [tool.state for tool in server.tools.filter(gone=False)]
        new = f", {count} of them new" if (count := states.count(McpToolState.NEW)) else ""
        text = f"{server.name} is reachable and has {len(states)} tools{new}."
        return self.message_user(request, text, messages.SUCCESS)

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Allow the ticked tools in the version shown, and stop offering the others on the page."""
        server = self._get_changeable(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ticked = dict(each.split(":", 1) for each in request.POST.getlist("offer") if ":" in each)
        pks = [each for each in request.POST.getlist("shown") if each.isdecimal()]
        shown = list(server.tools.filter(pk__in=pks))
        ticked_now = [tool for tool in shown if ticked.get(str(tool.pk), "") not in ("", tool.allowed_digest)]
        changed = self._allow(request, ticked_now, ticked)
        # A changed tool that is not ticked stays as it is: not offered, and shown with its changes.
        withdrawn = [
            tool for tool in shown if tool.state == McpToolState.OFFERED and str(tool.pk) not in ticked
        ]
        discovery.disallow(withdrawn)
        self._report(request, server, "Allowed", [tool for tool in ticked_now if tool not in changed])
        self._report(request, server, "No longer offered", withdrawn)
        return redirect("admin:agents_mcpserver_change", pk)

    def _allow(self, request: HttpRequest, tools: list[McpTool], digests: dict[str, str]) -> list[McpTool]:
        """Allow tools in the version shown; return, and report, those that have changed since."""
        pairs = [(tool, digests[str(tool.pk)]) for tool in tools]
        changed = discovery.allow(pairs, user_of(request), clock.now())
        if changed:
            names = ", ".join(tool.name for tool in changed)
            text = f"Not allowed, because they changed while you reviewed them: {names}. Review them again."
            self.message_user(request, text, messages.WARNING)
        return changed

    def _report(self, request: HttpRequest, server: McpServer, action: str, tools: list[McpTool]) -> None:
        if tools:
            names = ", ".join(tool.offered_as for tool in tools)
            self.log_change(request, server, f"{action}: {names}.")
            self.message_user(request, f"{action}: {names}.", messages.SUCCESS)

    def _get_changeable(self, request: HttpRequest, pk: int) -> McpServer:
        server = get_object_or_404(McpServer, pk=pk)
        if not self.has_change_permission(request, server):
            raise PermissionDenied
        return server
