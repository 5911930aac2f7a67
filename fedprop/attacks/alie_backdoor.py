"""A little is enough, for a backdoor: as much of it as fits among the honest updates."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field

from fedprop.attacks.alie import z_max
from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import within_deviations
from fedprop.attacks.own_training import BackdoorTraining
from fedprop.attacks.rows import mean_and_deviation, sendable
from fedprop.attacks.view import View
from fedprop.types import Fraction, Positive, Updates, Vector

NARROWEST = 1e-5
"""What a coordinate's room counts as where honest updates agree more than that, as in the paper's code."""


class ALIEBackdoor(BackdoorTraining):
    """The minimising-distance backdoor of A Little Is Enough: all compromised clients send one and the same update.

    mu and sigma are mean and (population) deviation of their own honest updates. Together they train on all of their
    examples with the backdoor in them, from w0 = G + mu, where honest training would lead the received model G, and
    lower

        alpha CE(w) + (1 - alpha) sum_j ((w_j - w0_j) / max(z sigma_j, 1e-5))^2.

    What they have learnt, w - G, they clip to mu - z sigma ... mu + z sigma, coordinate by coordinate.

    The second term's step is taken implicitly: of min over w of that term plus ||w - v||^2 / (2 lr), where v is what a
    plain step on the first term leads to. An explicit one overshoots without bounds wherever z sigma is small.

    A weight that hardly varies among the attackers' honest rows can hardly move. So a trigger of pixels that are black
    in all pictures, as in the corner of digits, cannot be planted: no input opened it in 20 rounds. The authors' pixels
    are standardised, and black is not 0 there.

    The second term is a sum over all weights as the paper has it, and outweighs the first: with alpha = 0.2 next to
    nothing is planted. The authors' code, which says that its weight of 4 is the paper's 0.2, averages over the weights
    of each tensor and divides by no deviation, so that the clipping is nearly all that is left of the limit: alpha = 1.
    docs/backdoors.md has what that comes to.

    Attributes
    ----------
    alpha : the weight of everybody's loss.
    z : the number of deviations; None for the size of the `z_max` of `ALIE`.

    Source: Baruch, Baruch and Goldberg, "A Little Is Enough: Circumventing Defenses For Distributed Learning", NeurIPS
    2019, Algorithm 4; 0.2 for alpha as the authors' code tells of the paper.
    """

    kind: Literal["alie_backdoor"] = "alie_backdoor"
    alpha: Annotated[Fraction, Field(gt=0.0)] = 0.2
    z: Positive | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(epochs=2), cls(epochs=1, alpha=1.0, z=1.5))

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal.

        Raises
        ------
        InvalidConfig
            If the view has no workshop.
        """
        if len(view.own) == 0:
            return view.own
        mean, deviation = mean_and_deviation(view.own)
        room = self._deviations(view.received, view.attackers) * deviation
        learnt = self._model(view, mean, room).double() - view.origin.double()
        row = sendable(learnt.clamp(mean - room, mean + room), view.own)
        return row.repeat(len(view.own), 1)

    def constraints(self) -> tuple[Constraint, ...]:
        """Every coordinate is within z deviations of the mean of the attackers' honest rows."""
        source = "Baruch et al., NeurIPS 2019, Algorithm 4"

        def broken(view: View, crafted: Updates) -> str | None:
            z = self._deviations(view.received, view.attackers)
            return within_deviations(z, source=source).broken(view, crafted) if len(view.own) else None

        statement = "Each crafted coordinate is within z standard deviations of the attackers' honest mean."
        return (Constraint("within deviations", statement, source, broken),)

    def _deviations(self, n: int, m: int) -> float:
        return abs(z_max(n, m)) if self.z is None else self.z

    def _model(self, view: View, mean: Vector, room: Vector) -> Vector:
        start = sendable(view.origin.double() + mean, view.origin)
        pull = 2 * self.lr * (1 - self.alpha) / room.clamp(min=NARROWEST).square()

        def pulled(model: Vector) -> Vector:
            return ((model.double() + pull * start.double()) / (1 + pull)).to(model.dtype)

        parts = [self.planted(view, row) for row in range(len(view.own))]
        x, y = (torch.cat(part) for part in zip(*parts, strict=True))
        return self.learnt(view, x, y, start=start, hook=lambda model, gradient: self.alpha * gradient, project=pulled)
