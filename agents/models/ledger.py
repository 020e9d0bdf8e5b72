"""Expenses, prices and budgets."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from agents.states import Activity, BudgetScope, BudgetWindow
from stagent.lib.names import LARGEST_INTEGER


class LedgerEntry(models.Model):
    """One expense or forced bypass; append-only. Ids are plain numbers: entries outlive what they name."""

    at = models.DateTimeField(db_index=True)
    activity = models.CharField(max_length=24, choices=Activity)
    provider = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=120, blank=True)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, default=0, help_text="Empty: the price was unknown."
    )
    price = models.JSONField(
        null=True, editable=False, help_text="The price in USD per million tokens, and its source."
    )
    estimated = models.BooleanField(
        default=False, help_text="The provider sent no final usage; estimated from the stream."
    )
    project_id = models.BigIntegerField(null=True, blank=True)
    schedule_id = models.BigIntegerField(null=True, blank=True)
    run_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    message_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    charge_key = models.UUIDField(
        null=True,
        unique=True,
        editable=False,
        help_text="Identifies a reply: a second charge with the same key is ignored.",
    )

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "ledger"
        indexes = [
            models.Index("schedule_id", "at", name="ledger_by_schedule"),
            models.Index("project_id", "at", name="ledger_by_project"),
        ]

    def __str__(self) -> str:
        cost = "unknown" if self.cost_usd is None else f"{self.cost_usd} USD"
        return f"{self.activity} {cost}"


class ModelPrice(models.Model):
    """USD per million tokens of every model whose name starts with `prefix`; the longest prefix wins."""

    prefix = models.CharField(max_length=120, unique=True)
    input_usd = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    output_usd = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    cache_read_usd = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    cache_write_usd = models.DecimalField(max_digits=10, decimal_places=4, default=0)

    class Meta:
        ordering = ["prefix"]

    def __str__(self) -> str:
        return self.prefix


class Budget(models.Model):
    """The most that may be spent in a window by the install, a project or a schedule."""

    scope = models.CharField(max_length=12, choices=BudgetScope, default=BudgetScope.INSTALL)
    subject_id = models.BigIntegerField(null=True, blank=True, help_text="Id of the project or schedule.")
    window = models.CharField(max_length=8, choices=BudgetWindow, default=BudgetWindow.DAY)
    max_turns = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(LARGEST_INTEGER)]
    )
    max_cost_usd = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)]
    )

    class Meta:
        ordering = ["scope", "subject_id", "window"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "subject_id", "window"], name="budget_once_per_subject"),
            models.UniqueConstraint(
                fields=["window"], condition=Q(scope=BudgetScope.INSTALL), name="budget_once_per_install"
            ),
            models.CheckConstraint(
                condition=Q(scope=BudgetScope.INSTALL, subject_id__isnull=True)
                | (~Q(scope=BudgetScope.INSTALL) & Q(subject_id__isnull=False)),
                name="budget_subject_fits_scope",
            ),
            models.CheckConstraint(
                condition=Q(max_turns__isnull=False) | Q(max_cost_usd__isnull=False),
                name="budget_limits_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.subject_id or ''} per {self.window}".replace("  ", " ")
