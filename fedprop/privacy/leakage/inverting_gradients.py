"""Inverting gradients: the angle between two gradients instead of their distance."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor
from torch.nn.functional import cosine_similarity

from fedprop.errors import InvalidConfig
from fedprop.privacy.leakage.reconstruction import Guess, Leak, Reconstruction, start
from fedprop.privacy.probe import Watched, sees_every_example
from fedprop.types import NonNegative, Positive

DECAYS = (3 / 8, 5 / 8, 7 / 8)
"""The shares of the iterations after which the step becomes a tenth, as in the authors' code."""


class InvertingGradients(Reconstruction):
    """Inputs whose update has the direction of the one that was sent, and little total variation.

    Least 1 - cos(imitated, sent) + alpha TV(x), by Adam on the signs of its gradient; after each step inputs are cut to
    their range. The length of the update does not matter, so that scaling it down hides nothing. Several local steps
    are done over again on the candidates.

    Attributes
    ----------
    labels : `likely` ones, guessed from the last layer's gradient (of one example exact, see `idlg`), or `known`.
    alpha : the weight of the total variation.
    iterations : how many steps.
    lr : how far the first steps move an input. The authors' 0.1 is for pictures that were divided by their deviation;
        on those that lie between 0 and 1, a quarter of it goes as far.

    Source: Geiping et al., "Inverting Gradients: How easy is it to break privacy in federated learning?", NeurIPS 2020,
    equation 4 and section 6 (several steps); numbers as in the authors' code.
    """

    knows: ClassVar[str] = "the model, how clients train, the range of inputs; labels, where told"

    kind: Literal["inverting_gradients"] = "inverting_gradients"
    labels: Literal["likely", "known"] = "likely"
    alpha: NonNegative = 1e-4
    iterations: PositiveInt = 4800
    lr: Positive = 0.1

    def check(self, run: Watched) -> None:
        if self.alpha and run.pool.x.ndim < 4:
            shape = list(run.pool.x.shape[1:])
            raise InvalidConfig(f"`inference.alpha` must be 0 for inputs that are no pictures; found {shape}")
        if self.labels == "known":
            sees_every_example(run, self.client)

    def fit(self, leak: Leak, noise: torch.Generator) -> Guess:
        x = start(leak, noise)
        y = leak.likely if self.labels == "likely" else leak.labels[: len(x)]
        optimizer = torch.optim.Adam([x], lr=self.lr)
        decay = torch.optim.lr_scheduler.MultiStepLR(optimizer, [round(share * self.iterations) for share in DECAYS])
        best = Guess(x.detach().clone(), y, float("inf"))
        for _ in range(self.iterations):
            distance = self._distance(leak, x, y)
            found = float(distance.detach())
            if found < best.distance:
                best = Guess(x.detach().clone(), y, found)
            (gradient,) = torch.autograd.grad(distance, [x])
            x.grad = gradient.sign()
            optimizer.step()
            decay.step()
            with torch.no_grad():
                x.clamp_(leak.bounds.low, leak.bounds.high)
            if best.distance < self.enough:
                break
        return best

    def _distance(self, leak: Leak, x: Tensor, y: Tensor) -> Tensor:
        angle = 1 - cosine_similarity(leak.imitation(x, y), leak.told, dim=0)
        return angle + self.alpha * total_variation(x) if self.alpha else angle


def total_variation(x: Tensor) -> Tensor:
    """The mean absolute difference of neighbours below and beside each other, the two added up; x is [n, ..., h, w].

    >>> float(total_variation(torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])))
    1.0
    """
    return x.diff(dim=-1).abs().mean() + x.diff(dim=-2).abs().mean()
