"""How much one run may use, and how much it has used: the only enforcer of a run's limits."""

from dataclasses import dataclass
from decimal import Decimal

from agents.errors import BudgetExceeded, RunLimitExceeded
from agents.protocol.usage import Usage
from agents.spending.prices import MILLION, Price, Rates

SHORTEST_REPLY_TOKENS = 256  # less room than this is no room for an answer
UNPRICED = (
    "The price of {model} is not known, so no limit or budget in USD can be kept. Add it under Prices in the "
    "console, or take the limit off."
)
FINAL_TURN_SHARE = Decimal("0.85")


@dataclass(frozen=True)
class Limits:
    """The limits of one run; None is no limit. Seconds are the worker's: it cancels at the deadline."""

    max_turns: int
    max_cost_usd: Decimal | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class SpendAllowance:
    """What a request may cost: the USD left in the budgets, None without a limit, and the model's price."""

    room: Decimal | None
    price: Price


@dataclass
class Meter:
    """What a run has used of its limits."""

    limits: Limits
    turns: int = 0
    cost_usd: Decimal = Decimal(0)
    tokens: int = 0
    _last: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))  # tokens and cost of the last reply

    def count(self, usage: Usage, cost_usd: Decimal) -> None:
        """Count one reply."""
        self.turns += 1
        self.cost_usd += cost_usd
        self.tokens += usage.total
        self._last = Decimal(usage.total), cost_usd

    @property
    def turns_left(self) -> int:
        return max(0, self.limits.max_turns - self.turns)

    @property
    def nearly_spent(self) -> bool:
        """Whether money or tokens are so far gone that the next reply should be the last."""
        tokens, cost_usd = self._last
        money = _is_nearly_spent(self.cost_usd, cost_usd, self.limits.max_cost_usd)
        return money or _is_nearly_spent(Decimal(self.tokens), tokens, self.limits.max_tokens)

    def allow(self, requested: int, reading: int, allowance: SpendAllowance) -> int:
        """Return how many tokens the next reply may have; raise BudgetExceeded where that is too few.

        `reading` is how many tokens the model reads first.
        """
        return min([requested, *self._by_tokens(reading), *self._by_money(reading, allowance)])

    def _by_tokens(self, reading: int) -> list[int]:
        if self.limits.max_tokens is None:
            return []
        left = self.limits.max_tokens - self.tokens - reading
        message = f"The limit of {self.limits.max_tokens:,} tokens for this run is used up."
        return [_at_least(left, RunLimitExceeded(message))]

    def _by_money(self, reading: int, allowance: SpendAllowance) -> list[int]:
        spent: BudgetExceeded = BudgetExceeded("Too little is left of a budget for another reply.")
        left = [] if allowance.room is None else [(allowance.room, spent)]
        if self.limits.max_cost_usd is not None:
            spent = RunLimitExceeded(
                f"The cost limit of this run ({self.limits.max_cost_usd:f} USD) is used up."
            )
            left.append((self.limits.max_cost_usd - self.cost_usd, spent))
        if left and not allowance.price.known:
            kind = BudgetExceeded if allowance.room is not None else RunLimitExceeded
            raise kind(UNPRICED.format(model=allowance.price.model))
        rates = allowance.price.rates(reading) if left else Rates()
        if not rates.output:
            return []
        read = reading * rates.input
        return [_at_least(int((usd * MILLION - read) / rates.output), spent) for usd, spent in left]


def _is_nearly_spent(used: Decimal, step: Decimal, limit: Decimal | int | None) -> bool:
    """Tell whether most is gone, or another step like the last one would leave too little for the answer."""
    return limit is not None and used > 0 and (used >= limit * FINAL_TURN_SHARE or used + 2 * step > limit)


def _at_least(tokens: int, otherwise: BudgetExceeded) -> int:
    if tokens < SHORTEST_REPLY_TOKENS:
        raise otherwise
    return tokens
