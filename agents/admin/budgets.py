"""Budgets in the console: how much may be spent, and how much of it is."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.models import Budget, Project
from agents.spending.budgets import Spent, spent_in_window
from agents.states import BudgetScope
from stagent.lib import clock
from stagent.lib.web import svg_charts
from stagent.lib.web.admin import ConsoleAdmin
from stagent.lib.web.formatting import money


class BudgetForm(forms.ModelForm):
    """Asks for a project by its name; of a schedule it needs the number in its address."""

    project = forms.ModelChoiceField(
        Project.objects.all(), required=False, help_text="For the scope project."
    )

    class Meta:
        model = Budget
        fields = ("scope", "window", "max_turns", "max_cost_usd", "subject_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject_id"].label = "schedule number"
        self.fields["subject_id"].help_text = "For the scope schedule: the number in the schedule's address."
        if self.instance.scope == BudgetScope.PROJECT:
            self.fields["project"].initial = self.instance.subject_id
            self.initial["subject_id"] = None

    def clean(self) -> dict[str, Any]:
        """Bring what was chosen into the one column that says whose budget it is."""
        data: dict[str, Any] = super().clean() or {}
        project, number = data.get("project"), data.get("subject_id")
        wanted = {BudgetScope.PROJECT: ("project", project), BudgetScope.SCHEDULE: ("subject_id", number)}
        field, subject = wanted.get(BudgetScope(data.get("scope", "install")), ("", None))
        if field and not subject:
            self.add_error(field, f"Say which {data['scope']} this budget is for.")
        if data.get("max_turns") is None and data.get("max_cost_usd") is None:
            self.add_error("max_cost_usd", "A budget limits money, agent steps or both.")
        data["subject_id"] = subject.pk if isinstance(subject, Project) else subject
        return data


@admin.register(Budget)
class BudgetAdmin(ConsoleAdmin):
    form = BudgetForm
    list_display = ("whose", "window", "limit", "spent")
    list_filter = ("scope", "window")
    fields = (("scope", "window"), ("project", "subject_id"), ("max_cost_usd", "max_turns"))
    empty_text = (
        "No budget limits what is spent. Add one for a day or a month, "
        "over the install, a project or a schedule."
    )

    @admin.display(description="for", ordering="scope")
    def whose(self, budget: Budget) -> str:
        if budget.scope == BudgetScope.PROJECT:
            found = Project.objects.filter(pk__in=[budget.subject_id]).first()
            return f"project {found or budget.subject_id}"
        return "the whole install" if budget.scope == BudgetScope.INSTALL else f"schedule {budget.subject_id}"

    @admin.display(description="limit")
    def limit(self, budget: Budget) -> SafeString:
        return format_html("{}", " and ".join(_limits(budget)))

    @admin.display(description="used in this window")
    def spent(self, budget: Budget) -> SafeString:
        return meter(budget, spent_in_window(budget, clock.now()))


def meter(budget: Budget, spent: Spent) -> SafeString:
    """Draw how much of a budget is used, by whichever of its limits is nearer to its end."""
    shares = [(float(spent.cost_usd), float(budget.max_cost_usd))] if budget.max_cost_usd is not None else []
    shares += [(float(spent.turns), float(budget.max_turns))] if budget.max_turns is not None else []
    used, most = max(shares, key=lambda pair: pair[0] / pair[1] if pair[1] else 1.0)
    limits = f"of {' and '.join(_limits(budget))} per {budget.window}"
    told = f"{money(spent.cost_usd, spent.unpriced, digits=2)} and {spent.turns:,} steps {limits}"
    if spent.unpriced:
        limits += f", not counting {spent.unpriced:,} steps of models without a known price"
    picture = svg_charts.meter(used, most, told)
    return format_html('<span title="{}">{}<span class="under">{}</span></span>', told, picture, limits)


def _limits(budget: Budget) -> list[str]:
    money = [f"${budget.max_cost_usd:,.2f}"] if budget.max_cost_usd is not None else []
    return money + ([f"{budget.max_turns:,} steps"] if budget.max_turns is not None else [])
