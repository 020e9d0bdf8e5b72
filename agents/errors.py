"""Exceptions that every layer of the app may raise; `runtimes.errors` says what they mean for a run."""


class LeaseLost(Exception):
    """Somebody else holds the run's token now, or nobody: stop, discard, write nothing more."""


class BudgetExceeded(Exception):
    """A budget is used up; the message names it, for the user."""


class RunLimitExceeded(BudgetExceeded):
    """What this one run or reply may cost is used up."""


class TurnLimitExceeded(Exception):
    """The model was asked as often as it may be."""


class CutStream(Exception):
    """The stream ended without a stop reason: what came is not the whole reply."""
