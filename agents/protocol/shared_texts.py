"""Texts that one part writes for models and another part matches, such as the offline model."""

# The result of a tool call that needed approval and was not made.
CALL_DENIED = "The person denied this call."
CALL_EXPIRED = "Nobody answered in time. The call was not made."
QUESTION_DECLINED = "The person declined to answer."
QUESTION_EXPIRED = "Nobody answered in time. Continue without the answer and state what remains unresolved."
NOT_APPROVED_RESULTS = (CALL_DENIED, CALL_EXPIRED, QUESTION_DECLINED, QUESTION_EXPIRED)

UNKNOWN_SCHEDULE = "There is no schedule"  # the start of the error of a tool; the name follows

# The start of what the engine adds to the prompt of a run.
RECURRING_CHECK = "This is a recurring check."
SCHEDULED_FOR = "Scheduled for"  # in <stagent-clock>; the time follows
