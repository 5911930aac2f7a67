"""Where gradients lead: the memory of many clients' optimizers, stacked.

Each follows `torch.optim` to the formula, so that a client moves as it would alone. A direction is what `lr` times is
taken off the parameters.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from fedprop.training.config import LocalTraining
from fedprop.training.schedule import Members


class Directions(ABC):
    """The memory of clients that train together."""

    @abstractmethod
    def turn(self, name: str, gradient: Tensor, members: Members, step: int) -> Tensor:
        """The direction of one parameter [k, ...] for some clients that take this step, counted from 0."""


class Momentum(Directions):
    """Stochastic gradient descent; without momentum there is nothing to remember."""

    def __init__(self, params: Mapping[str, Tensor], momentum: float) -> None:
        self._momentum = momentum
        self._velocity = {name: torch.zeros_like(value) for name, value in params.items()} if momentum else {}

    def turn(self, name: str, gradient: Tensor, members: Members, step: int) -> Tensor:
        if not self._momentum:
            return gradient
        gradient = gradient + self._momentum * self._velocity[name][members]
        self._velocity[name][members] = gradient
        return gradient


class Adam(Directions):
    """Kingma & Ba 2015, Algorithm 1, with the constants it recommends."""

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, params: Mapping[str, Tensor]) -> None:
        self._first = {name: torch.zeros_like(value) for name, value in params.items()}
        self._second = {name: torch.zeros_like(value) for name, value in params.items()}

    def turn(self, name: str, gradient: Tensor, members: Members, step: int) -> Tensor:
        first = self.BETA1 * self._first[name][members] + (1 - self.BETA1) * gradient
        second = self.BETA2 * self._second[name][members] + (1 - self.BETA2) * gradient.square()
        self._first[name][members], self._second[name][members] = first, second
        unbiased = first / (1 - self.BETA1 ** (step + 1))
        return unbiased / ((second / (1 - self.BETA2 ** (step + 1))).sqrt() + self.EPSILON)


def directions(params: Mapping[str, Tensor], config: LocalTraining) -> Directions:
    """The memory that `config.optimizer` asks for, before the first step."""
    return Adam(params) if config.optimizer == "adam" else Momentum(params, config.momentum)
