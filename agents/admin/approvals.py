"""Questions in the console: what agents ask, with the buttons that answer; nobody edits them."""

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
from stagent.lib.web.admin import ReadOnlyAdmin, came_from, operator, row_link

TONES = {
    ApprovalStatus.OPEN: "wait",
    ApprovalStatus.ALLOWED: "good",
    ApprovalStatus.ANSWERED: "good",
    ApprovalStatus.DENIED: "bad",
    ApprovalStatus.EXPIRED: "calm",
    ApprovalStatus.WITHDRAWN: "calm",
}


def approval_badge(question: Approval) -> SafeString:
    return formatting.badge(question.status, TONES[ApprovalStatus(question.status)])


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("asks", "state", "said", "run", "asked", "until")
    list_select_related = ("answered_by",)
    list_filter = ("status", "kind", "tool")
    search_fields = ("text", "=run_id")
    ordering = ("-pk",)
    empty_text = (
        "No agent has asked anything. One that may use a tool only with a person's leave asks for it here."
    )

    def get_urls(self) -> list[Any]:
        answer = self.admin_site.admin_view(self.answer)
        return [path("<int:pk>/answer/", answer, name="agents_question_answer"), *super().get_urls()]

    # Who sees what: those who may look at all, and everybody what their own agents ask. In conversations only
    # their owners.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self._mine(request).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> Any:
        if not super().has_view_permission(request):
            return self._mine(request)
        found: Any = super().get_queryset(request)
        return found.open_to(operator(request))

    def _mine(self, request: HttpRequest) -> ApprovalQuerySet:
        return Approval.objects.of(operator(request))

    # One question.

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        seen = self.get_queryset(request).filter(pk=object_id) if object_id.isdecimal() else None
        question = seen.first() if seen is not None else None
        if question is None:
            raise Http404("There is no such question, or it is nobody's but its own person's.")
        context = self.admin_site.each_context(request) | {
            "title": question.text,
            "opts": self.opts,
            "question": question,
            "arguments": json.dumps(question.arguments, indent=2, ensure_ascii=False),
            "may_answer": question.is_open and self._mine(request).filter(pk=question.pk).exists(),
        }
        return render(request, "admin/agents/question/page.html", context | (extra_context or {}))

    def answer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer, then go back to where the button was."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = request.POST.get("choice", "")
        decision = ALLOW if chosen else request.POST.get("decision", "")
        try:
            text = chosen or request.POST.get("text", "")
            question = approvals.answer(pk, operator(request), decision, clock.now(), text=text)
        except Problem as problem:
            if problem.status == 404:
                raise Http404(problem.message) from None
            if "text" in problem.fields:
                return self.change_view(
                    request, str(pk), "", {"typed": text, "wrong": problem.fields["text"]}
                )
            self.message_user(request, problem.message, messages.WARNING)
        else:
            self._tell(request, question, wanted=decision)
        return redirect(came_from(request) or reverse("admin:agents_question_change", args=[pk]))

    def _tell(self, request: HttpRequest, question: Approval, wanted: str) -> None:
        mine = question.answered_by == request.user and (question.status == "denied") == (wanted == DENY)
        by = "" if mine else f" by {question.answered_by} before"
        level = messages.SUCCESS if mine else messages.WARNING
        stands = f" {question.tool} is not asked about there any more." if mine and wanted == ALWAYS else ""
        self.message_user(request, f"{question.status.capitalize()}{by}: {question.text}{stands}", level)

    # What a row says.

    @admin.display(description="question", ordering="tool")
    def asks(self, question: Approval) -> SafeString:
        return format_html('{}<span class="under">{}</span>', question.text, question.tool)

    @admin.display(description="status", ordering="status")
    def state(self, question: Approval) -> SafeString:
        return approval_badge(question)

    @admin.display(description="answer")
    def said(self, question: Approval) -> SafeString:
        if question.answered_by is None:
            return formatting.NOTHING
        return format_html(
            '{}<span class="under">{}</span>', question.answered_by, shorten(question.answer, 120)
        )

    @admin.display(description="run", ordering="run_id")
    def run(self, question: Approval) -> SafeString:
        return row_link("schedules_run", question.run_id)

    @admin.display(description="asked", ordering="asked_at")
    def asked(self, question: Approval) -> SafeString:
        return formatting.ago(question.asked_at, clock.now())

    @admin.display(description="until", ordering="expires_at")
    def until(self, question: Approval) -> SafeString:
        ends = question.expires_at if question.is_open else question.answered_at
        return formatting.ago(ends, clock.now())
