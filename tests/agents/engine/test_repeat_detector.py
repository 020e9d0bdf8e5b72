"""The loop breaker counts what comes again."""

from agents.engine.repeat_detector import STOP_AT, WARN_AT, RepeatDetector


def counts(*calls: str) -> list[int]:
    """Note calls written as letters; the same letter is the same call with the same result."""
    repeats = RepeatDetector()
    return [repeats.record(call, {}, "same") for call in calls]


def test_the_same_call_with_the_same_result_is_counted_in_a_row():
    assert counts(*"AAAAA") == [1, 2, 3, 4, 5]


def test_different_calls_are_never_a_repetition():
    assert counts(*"ABCDEFGH") == [1] * 8


def test_a_different_call_between_starts_the_count_again():
    assert counts(*"AAAB") == [1, 2, 3, 1]


def test_two_calls_that_take_turns_are_a_repetition_too():
    assert counts(*"ABABABABAB") == [1, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_a_cycle_of_three_or_four_is_a_repetition_too():
    assert counts(*"ABC" * 5)[-1] == STOP_AT
    assert counts(*"ABCD" * 5)[-1] == STOP_AT


def test_a_call_whose_result_changes_is_progress():
    repeats = RepeatDetector()
    assert [repeats.record("read", {"path": "log"}, str(line)) for line in range(9)] == [1] * 9


def test_a_call_with_other_arguments_is_another_call():
    repeats = RepeatDetector()
    assert [repeats.record("read", {"offset": line}, "same") for line in range(9)] == [1] * 9


def test_the_order_of_arguments_does_not_matter():
    repeats = RepeatDetector()
    repeats.record("read", {"path": "log", "limit": 5}, "same")
    assert repeats.record("read", {"limit": 5, "path": "log"}, "same") == 2


def test_a_result_with_half_a_character_is_counted_like_any_other():
    repeats = RepeatDetector()
    repeats.record("read", {}, "\ud800")
    assert repeats.record("read", {}, "\ud800") == 2


def test_the_warning_comes_before_the_stop():
    assert 1 < WARN_AT < STOP_AT
