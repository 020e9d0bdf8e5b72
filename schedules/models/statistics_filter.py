"""Defines which runs count for statistics: averages, medians, step drift and advice all use it.

A run counts if it took a step and was not ended by something else (provider, user, shutdown). A run that
reached its own limit counts as a lower bound.
"""

from django.db.models import Q

from agents import failure_policies
from agents.failure_policies import Sample
from schedules.states import RunStatus

OLD_WEIGHT = 0.7  # of a running average; the new value has the rest


def of(status: str, kind: str, turns: int) -> Sample:
    """Return how a run with this ending counts for statistics."""
    if turns < 1:
        return Sample.NONE
    if status == RunStatus.COMPLETED:
        return Sample.WHOLE
    return failure_policies.policy(kind).sample if status == RunStatus.FAILED and kind else Sample.NONE


def condition(*samples: Sample) -> Q:
    """Return the same rule as a query condition; runs of older versions have only a reason."""
    by_kind = Q(failure_kind__in=failure_policies.kinds(*samples))
    by_reason = Q(failure_kind="", failure_reason__in=failure_policies.reasons(*samples))
    ended = Q(status=RunStatus.FAILED) & (by_kind | by_reason)
    if Sample.WHOLE in samples:
        ended |= Q(status=RunStatus.COMPLETED)
    return ended & Q(turn_count__gte=1)


def blend(average: float | None, value: float, sample: Sample) -> float:
    """Return the running average including a new value; a lower bound never lowers it."""
    if average is None:
        return value
    if sample == Sample.LOWER_BOUND:
        value = max(average, value)
    return OLD_WEIGHT * average + (1 - OLD_WEIGHT) * value
