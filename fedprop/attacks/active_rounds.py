"""When an attack is on."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from fedprop.errors import InvalidConfig
from fedprop.types import Fraction, Frozen, Round


class ActiveRounds(Frozen):
    """The rounds `start`, `start + every`, `start + 2 * every`, ... before `stop`; without a `stop`, without end.

    Attributes
    ----------
    start : the first of the rounds.
    stop : the round before which they end; None for never.
    every : how many rounds lie from one to the next.
    chance : the probability that an attack takes one of these rounds; each is drawn for itself.

    >>> [round for round in range(10) if round in ActiveRounds(start=2, stop=9, every=3)]
    [2, 5, 8]
    """

    start: NonNegativeInt = 0
    stop: PositiveInt | None = None
    every: PositiveInt = 1
    chance: Annotated[Fraction, Field(gt=0.0)] = 1.0

    @model_validator(mode="after")
    def _has_rounds(self) -> "ActiveRounds":
        if self.stop is not None and self.stop <= self.start:
            raise InvalidConfig(f"`stop` must be above `start`, {self.start}; found {self.stop}")
        return self

    def __contains__(self, round: Round) -> bool:
        over = self.stop is not None and round >= self.stop
        return round >= self.start and not over and (round - self.start) % self.every == 0

    def on(self, round: Round, luck: float) -> bool:
        """Whether an attack is on in a round, where `luck` is a number drawn uniformly from 0 to 1."""
        return round in self and luck < self.chance


ALWAYS = ActiveRounds()
"""Every round."""
