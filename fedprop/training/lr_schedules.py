"""Learning-rate schedules: the share of `lr` that a task trains with, by the round in which it was given out.

Rounds are counted from 0. A share lies in [0, 1], so that `lr` is the largest rate there is. The shares of several
schedules multiply. One of your own overrides `factor`:

    class Halving(LrSchedule):
        kind: Literal["halving"] = "halving"

        def factor(self, round):
            return 1 / (1 + round)
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, PositiveInt

from fedprop.errors import InvalidConfig, WrongAnswer
from fedprop.failures import blamed
from fedprop.registry import Registry, several
from fedprop.settings import shown
from fedprop.types import Kind, Round

Shrinking: TypeAlias = Annotated[float, Field(gt=0.0, lt=1.0)]


class LrSchedule(Kind, ABC):
    """A share of `lr` for every round."""

    @abstractmethod
    def factor(self, round: Round) -> float:
        """The share in [0, 1] for tasks given out in this round."""


class StepDecay(LrSchedule):
    """`shrink` times the rate every so many rounds, as `torch.optim.lr_scheduler.StepLR`.

    Attributes
    ----------
    every : how many rounds lie between two cuts.
    shrink : what the rate is multiplied by at a cut.
    """

    kind: Literal["step"] = "step"
    every: PositiveInt
    shrink: Shrinking = 0.1

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(every=2),)

    def factor(self, round: Round) -> float:
        return self.shrink ** (round // self.every)


class MilestoneDecay(LrSchedule):
    """`shrink` times the rate from each of some rounds on, as `torch.optim.lr_scheduler.MultiStepLR`.

    Attributes
    ----------
    at : the rounds in which the rate is cut, ascending.
    shrink : what the rate is multiplied by at a cut.
    """

    kind: Literal["milestones"] = "milestones"
    at: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    shrink: Shrinking = 0.1

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(at=(2, 5)),)

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return (self._in_order,)

    def _in_order(self) -> Iterator[str]:
        if list(self.at) != sorted(set(self.at)):
            yield f"`at` must name rounds in ascending order, each once; found {list(self.at)}"

    def factor(self, round: Round) -> float:
        return self.shrink ** sum(milestone <= round for milestone in self.at)


class ExponentialDecay(LrSchedule):
    """`shrink` times the rate after every round, as `torch.optim.lr_scheduler.ExponentialLR`.

    Attributes
    ----------
    shrink : what the rate is multiplied by after every round.
    """

    kind: Literal["exponential"] = "exponential"
    shrink: Shrinking

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(shrink=0.9),)

    def factor(self, round: Round) -> float:
        return self.shrink**round


class CosineDecay(LrSchedule):
    """Half a cosine from 1 down to `least`, which is reached after `rounds` rounds and kept.

    Without restarts, as `torch.optim.lr_scheduler.CosineAnnealingLR` with T_max = `rounds`, eta_min = `least` * lr.

    Attributes
    ----------
    rounds : how many rounds the way down takes.
    least : the share of the rate at its end.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.
    """

    kind: Literal["cosine"] = "cosine"
    rounds: PositiveInt
    least: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(rounds=4), cls(rounds=3, least=0.1))

    def factor(self, round: Round) -> float:
        passed = min(round, self.rounds) / self.rounds
        return self.least + (1.0 - self.least) * (1.0 + math.cos(math.pi * passed)) / 2.0


class Warmup(LrSchedule):
    """A rate that grows in equal steps, from 1 / (rounds + 1) in the first round to all of it after `rounds` rounds.

    Attributes
    ----------
    rounds : how many rounds the way up takes.
    """

    kind: Literal["warmup"] = "warmup"
    rounds: PositiveInt

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(rounds=3),)

    def factor(self, round: Round) -> float:
        return min(round + 1, self.rounds + 1) / (self.rounds + 1)


LR_SCHEDULES: Registry[LrSchedule] = Registry(
    "lr_schedules", LrSchedule, (StepDecay, MilestoneDecay, ExponentialDecay, CosineDecay, Warmup)
)
"""Every learning-rate schedule by its `kind`."""


_One: TypeAlias = Annotated[LrSchedule, LR_SCHEDULES]
_Many: TypeAlias = tuple[_One, ...]
LrSchedules: TypeAlias = Annotated[_Many, BeforeValidator(several, json_schema_input_type=_One | _Many | None)]
"""Any number of schedules; in a file one may stand without a list around it."""


def combined(schedules: Sequence[LrSchedule], round: Round) -> float:
    """The product of all shares in a round.

    Raises
    ------
    InvalidConfig
        If a schedule answers with anything but a number in [0, 1], or fails.
    """
    return math.prod(_factor(schedule, round) for schedule in schedules)


def check_rounds(schedules: Sequence[LrSchedule], rounds: int) -> None:
    """Refuse schedules that leave nothing of the learning rate in some round, or all of it in every round.

    Raises
    ------
    InvalidConfig
        With the round, or the number of rounds.
    """
    for schedule in schedules:
        if all(_factor(schedule, round) == 1.0 for round in range(rounds)):
            name = type(schedule).__name__
            raise InvalidConfig(f"`training.lr_schedule`: {name} must change the learning rate within {rounds} rounds")
    for round in range(rounds) if schedules else ():
        if not combined(schedules, round):
            raise InvalidConfig(
                f"`training.lr_schedule` must leave more than 0 in every round; found 0 in round {round}"
            )


def _factor(schedule: LrSchedule, round: Round) -> float:
    with blamed(f"`training.lr_schedule`: {type(schedule).__name__} failed in round {round}", raising=InvalidConfig):
        found: object = schedule.factor(round)
        if not isinstance(found, float | int) or not 0.0 <= found <= 1.0:
            raise WrongAnswer(f"`factor` must answer with a number from 0 to 1; found {shown(found)}")
        return float(found)
