"""Honest training, and a lie about the number of examples behind it."""

from collections.abc import Sequence
from typing import Literal, Self

import torch
from pydantic import PositiveInt
from torch import Generator, Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.view import View


class WeightAttack(Attack):
    """The weight attack: a server that weighs updates by claimed numbers of examples believes what it is told.

    Compromised clients train as honest ones do and send what they learnt. The paper has two cases:

    1. They hold much less data than the others (`own_size`) and claim as much as those do: a poorly trained update
       counts in full. Its experiments have 100 examples of their own and 2500 claimed, as many as everybody holds.
    2. They hold as much as the others (`own_size` left out) and claim much more. With n clients of whom m claim c times
       what all hold, the share that each of those has in the mean grows by the factor c n / (n - m + c m).

    Attributes
    ----------
    own_size : how many of its examples each compromised client keeps, chosen at random, once, before the run; None for
        all of them. One that holds no more keeps what it has.
    claimed_size : the number of examples that each claims. A million is what the attackers of Portnoy, Tirosh and
        Hendler claim.

    Source: Shi et al., "Challenges and Approaches for Mitigating Byzantine Attacks in Federated Learning" (2022),
    section V; the sizes of case 1 are those of section VI.

    >>> own = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> view = View(own, None, torch.zeros(2), lambda rows, f: (rows[0], rows[:, 0]), torch.Generator())
    >>> WeightAttack(claimed_size=2500).answer(view).examples
    (2500, 2500)
    """

    kind: Literal["weight"] = "weight"
    own_size: PositiveInt | None = None
    claimed_size: PositiveInt = 1_000_000

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(own_size=2, claimed_size=50))

    @property
    def poisons(self) -> bool:
        return self.own_size is not None

    @property
    def resizes(self) -> bool:
        return self.own_size is not None

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """The examples that a compromised client keeps, in their order."""
        chosen = torch.randperm(len(y), generator=generator)[: self.own_size].sort().values.to(y.device)
        return x[chosen], y[chosen]

    def claim(self, view: View) -> Sequence[int]:
        """The same number for each client."""
        return (self.claimed_size,) * len(view.own)
