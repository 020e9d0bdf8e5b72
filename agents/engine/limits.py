"""The limits of a run and their enforcement; nothing else enforces them."""

from dataclasses import dataclass
from decimal import Decimal

from agents.errors import BudgetExceeded, RunLimitExceeded
from agents.protocol.usage import Usage
from agents.spending.prices import MILLION, Price, Rates

MIN_REPLY_TOKENS = 256  # fewer are not enough for an answer
UNPRICED = (
    "The price of {model} is not known, so limits and budgets in USD cannot be enforced. Add its price under "
    "Prices in the console, or remove the limits in USD."
)
FINAL_TURN_SHARE = Decimal("0.85")


@dataclass(frozen=True)
class Limits:
    """The limits of one run; None is no limit. The worker enforces the time limit."""

    max_turns: int
    max_cost_usd: Decimal | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class SpendAllowance:
    """What a request may cost: the USD left in the budgets (None: no budget), and the model's price."""

    remaining_usd: Decimal | None
    price: Price


@dataclass
class Meter:
    """The usage of a run against its limits."""

    limits: Limits
    turns: int = 0
    cost_usd: Decimal = Decimal(0)
    tokens: int = 0
    _last: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))  # tokens and cost of the last reply

    def add_reply(self, usage: Usage, cost_usd: Decimal) -> None:
        """Add the usage of one reply."""
        self.turns += 1
        self.cost_usd += cost_usd
        self.tokens += usage.total
        self._last = Decimal(usage.total), cost_usd

    @property
    def turns_left(self) -> int:
        return max(0, self.limits.max_turns - self.turns)

    @property
    def nearly_spent(self) -> bool:
        """Whether money or tokens are nearly used up, so that the next reply should be the last."""
        tokens, cost_usd = self._last
        by_cost = _is_nearly_spent(self.cost_usd, cost_usd, self.limits.max_cost_usd)
        return by_cost or _is_nearly_spent(Decimal(self.tokens), tokens, self.limits.max_tokens)

    def allow(self, requested: int, input_tokens: int, allowance: SpendAllowance) -> int:
        """Return the most tokens of the next reply; `BudgetExceeded` if they are too few for an answer.

        `input_tokens` is the estimated size of the request.
        """
        return min([requested, *self._by_tokens(input_tokens), *self._by_cost(input_tokens, allowance)])

    def _by_tokens(self, input_tokens: int) -> list[int]:
        if self.limits.max_tokens is None:
            return []
        remaining = self.limits.max_tokens - self.tokens - input_tokens
        message = f"The limit of {self.limits.max_tokens:,} tokens for this run is used up."
        return [_require_tokens(remaining, RunLimitExceeded(message))]

    def _by_cost(self, input_tokens: int, allowance: SpendAllowance) -> list[int]:
        error: BudgetExceeded = BudgetExceeded("Too little is left of a budget for another reply.")
        remaining = [] if allowance.remaining_usd is None else [(allowance.remaining_usd, error)]
        if self.limits.max_cost_usd is not None:
            error = RunLimitExceeded(
                f"The cost limit of this run ({self.limits.max_cost_usd:f} USD) is used up."
            )
            remaining.append((self.limits.max_cost_usd - self.cost_usd, error))
        if remaining and not allowance.price.known:
            kind = BudgetExceeded if allowance.remaining_usd is not None else RunLimitExceeded
            raise kind(UNPRICED.format(model=allowance.price.model))
        rates = allowance.price.rates(input_tokens) if remaining else Rates()
        if not rates.output:
            return []
        input_cost = input_tokens * rates.input
        return [
            _require_tokens(int((usd * MILLION - input_cost) / rates.output), error)
            for usd, error in remaining
        ]


def _is_nearly_spent(used: Decimal, step: Decimal, limit: Decimal | int | None) -> bool:
    """Return whether most is used, or another step like the last one would leave too little for an answer."""
    return limit is not None and used > 0 and (used >= limit * FINAL_TURN_SHARE or used + 2 * step > limit)


def _require_tokens(tokens: int, error: BudgetExceeded) -> int:
    if tokens < MIN_REPLY_TOKENS:
        raise error
    return tokens
