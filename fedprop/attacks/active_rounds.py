"""When an attack is on."""

from pydantic import NonNegativeInt, PositiveInt, model_validator

from fedprop.errors import InvalidConfig
from fedprop.types import Frozen, Round


class ActiveRounds(Frozen):
    """The rounds `start`, `start + every`, `start + 2 * every`, ... before `stop`; without a `stop`, without end.

    Attributes
    ----------
    start : the first of the rounds.
    stop : the round before which they end; None for never.
    every : how many rounds lie from one to the next.

    >>> [round for round in range(10) if round in ActiveRounds(start=2, stop=9, every=3)]
    [2, 5, 8]
    """

    start: NonNegativeInt = 0
    stop: PositiveInt | None = None
    every: PositiveInt = 1

    @model_validator(mode="after")
    def _has_rounds(self) -> "ActiveRounds":
        if self.stop is not None and self.stop <= self.start:
            raise InvalidConfig(f"`stop` must be above `start`, {self.start}; found {self.stop}")
        return self

    def __contains__(self, round: Round) -> bool:
        over = self.stop is not None and round >= self.stop
        return round >= self.start and not over and (round - self.start) % self.every == 0


ALWAYS = ActiveRounds()
"""Every round."""
