"""Exceptions that every layer of the app may raise; `agents.runtimes.failure_classifier` maps them."""


class LeaseLost(Exception):
    """The token of the run has changed: stop and write nothing more."""


class BudgetExceeded(Exception):
    """A budget is used up; the message names it."""


class RunLimitExceeded(BudgetExceeded):
    """The cost limit of this run or reply is reached."""


class TurnLimitExceeded(Exception):
    """The limit of model calls is reached."""


class CutStream(Exception):
    """The stream ended without a stop reason: the reply is incomplete."""
