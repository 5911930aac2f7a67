"""Neurotoxin: a backdoor in the weights that honest clients hardly move."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field

from fedprop.attacks.base import Constraint
from fedprop.attacks.own_training import BoostedBackdoor
from fedprop.attacks.training import onto_ball
from fedprop.attacks.view import View
from fedprop.types import Fraction, Positive, Updates, Vector

SOURCE = "Zhang et al., ICML 2022, Algorithm 1"


class Neurotoxin(BoostedBackdoor):
    """The Neurotoxin attack: the backdoor keeps out of the weights that honest training uses most.

    Each compromised client takes the gradient of the received model's loss on its own clean examples, and forbids
    itself the weights where it is largest in size: there honest clients would soon train over what it leaves. It trains
    on its examples with the backdoor in them, without ever moving those. So the backdoor outlasts the attack for
    longer.

    The paper takes the last change of the global model for honest training's gradient where there is one; the authors'
    code and this one take that on the attackers' own clean data.

    Attributes
    ----------
    masked : the share of the weights, those of the largest gradients, at least one, that stay as they are. Of equal
        ones those that come first go first. The paper has 0.01 to 0.1.
    radius : how far the trained model may be from the received one at any time; None for no bound.
    boost : what the update is multiplied by; None for n / m, of n updates averaged of which m come from the attack.

    Source: Zhang et al., "Neurotoxin: Durable Backdoors in Federated Learning", ICML 2022, Algorithm 1 (reconstructed).
    """

    kind: Literal["neurotoxin"] = "neurotoxin"
    masked: Annotated[Fraction, Field(gt=0.0, lt=1.0)] = 0.05
    radius: Positive | None = None
    boost: Positive | None = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(epochs=1, masked=0.5, radius=1.0, boost=None), cls(epochs=2))

    def constraints(self) -> tuple[Constraint, ...]:
        """The weights forbidden are not moved."""
        return (Constraint("masked weights", "The weights of the largest clean gradients stay.", SOURCE, self._moved),)

    def scale(self, view: View, changes: Updates) -> float:
        return self.boost or view.boost

    def _moved(self, view: View, crafted: Updates) -> str | None:
        for row, update in enumerate(crafted):
            moved = (update.ne(0) & ~self._free(view, row)).nonzero()
            if len(moved):
                return f"row {row} moves weight {int(moved[0])}, where the clean gradient is among the largest"
        return None

    def _free(self, view: View, row: int) -> Vector:
        """Which weights [d] the client of a row may move."""
        clean = view.tools.gradient(view.origin, *view.tools.data(row))
        weights = len(clean) - view.buffers
        largest = clean[:weights].abs().argsort(descending=True, stable=True)
        free = torch.ones_like(clean, dtype=torch.bool)
        free[largest[: max(1, round(self.masked * weights))]] = False
        return free

    def model(self, view: View, row: int) -> Vector:
        free = self._free(view, row)
        bound = None if self.radius is None else onto_ball(view.origin, self.radius)
        return self.learnt(view, *self.planted(view, row), hook=lambda model, gradient: gradient * free, project=bound)
