"""Budgets in the console: the limits, and how much of them is used."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.models import Budget, Project
from agents.spending.budgets import Spending, spent_in_window
from agents.states import BudgetScope
from stagent.lib import clock
from stagent.lib.web import svg_charts
from stagent.lib.web.admin import ConsoleAdmin
from stagent.lib.web.formatting import money


class BudgetForm(forms.ModelForm):
    """Selects a project by name; a schedule needs the number from its URL."""

    project = forms.ModelChoiceField(
        Project.objects.all(), required=False, help_text="For the scope project."
    )

    class Meta:
        model = Budget
        fields = ("scope", "window", "max_turns", "max_cost_usd", "subject_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject_id"].label = "schedule number"
        self.fields["subject_id"].help_text = "For the scope schedule: the number in the URL of the schedule."
        if self.instance.scope == BudgetScope.PROJECT:
            self.fields["project"].initial = self.instance.subject_id
            self.initial["subject_id"] = None

    def clean(self) -> dict[str, Any]:
        """Store the selected project or schedule in `subject_id`."""
        data: dict[str, Any] = super().clean() or {}
        project, number = data.get("project"), data.get("subject_id")
        subjects = {BudgetScope.PROJECT: ("project", project), BudgetScope.SCHEDULE: ("subject_id", number)}
        field, subject = subjects.get(BudgetScope(data.get("scope", "install")), ("", None))
        if field and not subject:
            self.add_error(field, f"Select the {data['scope']} of this budget.")
        if data.get("max_turns") is None and data.get("max_cost_usd") is None:
            self.add_error("max_cost_usd", "Set a limit in USD, in agent steps, or both.")
        data["subject_id"] = subject.pk if isinstance(subject, Project) else subject
        return data


@admin.register(Budget)
class BudgetAdmin(ConsoleAdmin):
    form = BudgetForm
    list_display = ("subject", "window", "limit", "spent")
    list_filter = ("scope", "window")
    fields = (("scope", "window"), ("project", "subject_id"), ("max_cost_usd", "max_turns"))
    empty_text = (
        "No budgets: spending is not limited. Add one to set a daily or monthly limit for the install, "
        "a project or a schedule."
    )

    @admin.display(description="for", ordering="scope")
    def subject(self, budget: Budget) -> str:
        if budget.scope == BudgetScope.PROJECT:
            project = Project.objects.filter(pk__in=[budget.subject_id]).first()
            return f"project {project or budget.subject_id}"
        return "the whole install" if budget.scope == BudgetScope.INSTALL else f"schedule {budget.subject_id}"

    @admin.display(description="limit")
    def limit(self, budget: Budget) -> SafeString:
        return format_html("{}", " and ".join(_limits(budget)))

    @admin.display(description="used in this window")
    def spent(self, budget: Budget) -> SafeString:
        return meter(budget, spent_in_window(budget, clock.now()))


def meter(budget: Budget, spent: Spending) -> SafeString:
    """Render how much of a budget is used, by the limit that is nearer to being reached."""
    shares = [(float(spent.cost_usd), float(budget.max_cost_usd))] if budget.max_cost_usd is not None else []
    shares += [(float(spent.turns), float(budget.max_turns))] if budget.max_turns is not None else []
    used, limit = max(shares, key=lambda pair: pair[0] / pair[1] if pair[1] else 1.0)
    limits = f"of {' and '.join(_limits(budget))} per {budget.window}"
    title = f"{money(spent.cost_usd, spent.unpriced, digits=2)} and {spent.turns:,} steps {limits}"
    if spent.unpriced:
        limits += f", excluding {spent.unpriced:,} steps of models without a known price"
    chart = svg_charts.meter(used, limit, title)
    return format_html('<span title="{}">{}<span class="under">{}</span></span>', title, chart, limits)


def _limits(budget: Budget) -> list[str]:
    money = [f"${budget.max_cost_usd:,.2f}"] if budget.max_cost_usd is not None else []
    return money + ([f"{budget.max_turns:,} steps"] if budget.max_turns is not None else [])
