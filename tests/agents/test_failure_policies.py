"""The table of failures: complete, consistent in itself, and the same in docs/failures.md."""

from pathlib import Path

import pytest

from agents import failure_policies
from agents.failure_policies import (
    DEFAULT_KINDS,
    POLICIES,
    Breaker,
    Fault,
    Policy,
    Retry,
    Sample,
    Streak,
    policy,
)
from agents.runtimes.failure_classifier import BY_CLASS, BY_CODE, BY_STATUS, BY_TEXT, BY_TYPE
from agents.states import FailureKind as K
from agents.states import FailureReason as R

DOC = Path(__file__).parents[2] / "docs" / "failures.md"
EVERY = pytest.mark.parametrize(("kind", "row"), POLICIES.items(), ids=lambda value: str(value)[:24])


def as_line(kind: K, row: Policy) -> str:
    """Return a row as the page shows it."""
    chat = "no" if row.chat.tries == 1 else f"for {row.chat.total_sec:.0f} s"
    cells = (f"`{kind}`", f"`{row.reason}`", row.fault, row.streak, row.retry, row.breaker, chat, row.sample)
    return f"| {' | '.join(cells)} | {' '.join(filter(None, (f'{row.summary}.', row.remedy)))} |"


def test_every_kind_has_a_row_and_every_reason_a_usual_kind() -> None:
    assert set(POLICIES) == set(K)
    assert set(DEFAULT_KINDS) == set(R)
    assert all(POLICIES[kind].reason == reason for reason, kind in DEFAULT_KINDS.items())


def test_every_reason_can_come_about() -> None:
    assert {row.reason for row in POLICIES.values()} == set(R)


def test_the_page_shows_the_table_as_it_is() -> None:
    said = DOC.read_text().splitlines()
    rows = [line for line in said if line.startswith("| `")]
    assert rows == [as_line(kind, row) for kind, row in POLICIES.items()]


@EVERY
def test_only_what_is_the_schedules_fault_counts_for_a_streak(kind: K, row: Policy) -> None:
    assert (row.streak != Streak.NONE) == (row.fault == Fault.SCHEDULE)


@EVERY
def test_only_a_turn_limit_is_a_breach_of_the_turn_budget(kind: K, row: Policy) -> None:
    assert (row.streak == Streak.BREACH) == (kind == K.TURN_LIMIT)


@EVERY
def test_trouble_of_the_provider_is_waited_for_and_told_to_the_breaker(kind: K, row: Policy) -> None:
    if row.fault != Fault.PROVIDER:
        return
    assert row.breaker in (Breaker.COUNT, Breaker.RETRY_AFTER)
    assert row.retry == (Retry.NEVER if kind == K.SILENT_AT_LIMIT else Retry.HORIZON)


@EVERY
def test_what_a_person_has_to_set_right_says_how_and_is_not_asked_again(kind: K, row: Policy) -> None:
    if row.breaker == Breaker.TRIP:
        assert row.remedy
        assert not row.retryable
    if row.chat.tries > 1:
        assert row.retryable


@EVERY
def test_only_runs_that_were_cut_off_at_a_limit_of_their_own_are_lower_bounds(kind: K, row: Policy) -> None:
    own = {K.TURN_LIMIT, K.TIME_LIMIT, K.COST_LIMIT}
    assert (row.sample == Sample.LOWER_BOUND) == (kind in own)


def test_the_classifier_knows_no_kind_without_a_row() -> None:
    named = {*BY_CLASS.values(), *BY_CODE.values(), *BY_STATUS.values(), *BY_TYPE.values()}
    assert named | {kind for _, kind in BY_TEXT} <= set(POLICIES)


def test_a_failure_of_an_older_version_is_judged_by_its_reason() -> None:
    assert policy("", R.TURN_LIMIT_EXCEEDED).streak == Streak.BREACH
    assert policy("", R.TIMEOUT).streak == Streak.NONE
    assert failure_policies.reasons(Sample.LOWER_BOUND) == [R.TURN_LIMIT_EXCEEDED, R.LEASE_EXPIRED]
