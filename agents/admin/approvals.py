"""The admin's inbox: approval requests and questions of agents, with buttons to answer them."""

import json
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.approvals import approvals
from agents.approvals.approvals import ALLOW, ALWAYS, DENY
from agents.models import Approval
from agents.models.approval import ApprovalQuerySet
from agents.states import ApprovalStatus
from stagent.lib import clock
from stagent.lib.problems import Problem
from stagent.lib.text import shorten
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, referring_page, row_link, user_of

TONES = {
    ApprovalStatus.OPEN: "wait",
    ApprovalStatus.ALLOWED: "good",
    ApprovalStatus.ANSWERED: "good",
    ApprovalStatus.DENIED: "bad",
    ApprovalStatus.EXPIRED: "calm",
    ApprovalStatus.WITHDRAWN: "calm",
}


def approval_badge(approval: Approval) -> SafeString:
    return formatting.badge(approval.status, TONES[ApprovalStatus(approval.status)])


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("request", "state", "answered", "run", "asked", "until")
    list_select_related = ("answered_by",)
    list_filter = ("status", "kind", "tool")
    search_fields = ("text", "=run_id")
    ordering = ("-pk",)
    row_name_plural = "approvals"
    empty_text = "Approval requests and questions of agents appear here."

    def get_urls(self) -> list[Any]:
        answer = self.admin_site.admin_view(self.answer)
        return [path("<int:pk>/answer/", answer, name="agents_approval_answer"), *super().get_urls()]

    # Permissions: users with the view permission see all requests, others those of their own agents. Requests
    # of a conversation are visible to its owner only.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self._answerable(request).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> Any:
        if not super().has_view_permission(request):
            return self._answerable(request)
        approvals: Any = super().get_queryset(request)
        return approvals.open_to(user_of(request))

    def _answerable(self, request: HttpRequest) -> ApprovalQuerySet:
        return Approval.objects.of(user_of(request))

    # One approval.

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        approval = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdecimal() else None
        if approval is None:
            raise Http404("Request not found, or it belongs to another user.")
        context = self.admin_site.each_context(request) | {
            "title": approval.text,
            "opts": self.opts,
            "approval": approval,
            "arguments": json.dumps(approval.arguments, indent=2, ensure_ascii=False),
            "can_answer": approval.is_open and self._answerable(request).filter(pk=approval.pk).exists(),
        }
        return render(request, "admin/agents/approval/page.html", context | (extra_context or {}))

    def answer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer, then redirect to the page with the button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = request.POST.get("choice", "")
        decision = ALLOW if chosen else request.POST.get("decision", "")
        try:
            text = chosen or request.POST.get("text", "")
            approval = approvals.answer(pk, user_of(request), decision, clock.now(), text=text)
        except Problem as problem:
            if problem.status == 404:
                raise Http404(problem.message) from None
            if "text" in problem.fields:
                return self.change_view(
                    request, str(pk), "", {"answer_text": text, "answer_error": problem.fields["text"]}
                )
            self.message_user(request, problem.message, messages.WARNING)
        else:
            self._report(request, approval, decision)
        return redirect(referring_page(request) or reverse("admin:agents_approval_change", args=[pk]))

    def _report(self, request: HttpRequest, approval: Approval, decision: str) -> None:
        status = approval.status.capitalize()
        applied = approval.answered_by == request.user and (approval.status == "denied") == (decision == DENY)
        if not applied:
            text = f"Already answered. {status} by {approval.answered_by}: {approval.text}"
            return self.message_user(request, text, messages.WARNING)
        always = f" {approval.tool} will not ask again here." if decision == ALWAYS else ""
        return self.message_user(request, f"{status}: {approval.text}{always}", messages.SUCCESS)

    # Columns.

    @admin.display(description="request", ordering="tool")
    def request(self, approval: Approval) -> SafeString:
        return format_html('{}<span class="under">{}</span>', approval.text, approval.tool)

    @admin.display(description="status", ordering="status")
    def state(self, approval: Approval) -> SafeString:
        return approval_badge(approval)

    @admin.display(description="answer")
    def answered(self, approval: Approval) -> SafeString:
        if approval.answered_by is None:
            return formatting.EMPTY
        return format_html(
            '{}<span class="under">{}</span>', approval.answered_by, shorten(approval.answer, 120)
        )

    @admin.display(description="run", ordering="run_id")
    def run(self, approval: Approval) -> SafeString:
        return row_link("schedules_run", approval.run_id)

    @admin.display(description="asked", ordering="asked_at")
    def asked(self, approval: Approval) -> SafeString:
        return formatting.ago(approval.asked_at, clock.now())

    @admin.display(description="until", ordering="expires_at")
    def until(self, approval: Approval) -> SafeString:
        ends = approval.expires_at if approval.is_open else approval.answered_at
        return formatting.ago(ends, clock.now())
