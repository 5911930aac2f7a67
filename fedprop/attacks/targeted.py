"""Targeted model poisoning: a few inputs get the label that the attacker wants, and the rest stays as it is."""

from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.labels import other_labels
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import View
from fedprop.errors import InvalidConfig
from fedprop.types import NonNegative, Positive, Updates


class Targeted(Attack):
    """Targeted model poisoning with explicit boosting and alternating minimisation.

    Each compromised client begins with its honest update. Then two kinds of steps take turns. A malicious one lowers
    the cross-entropy of the attacked inputs, with the labels wanted, at the next global model as the attackers predict
    it: the mean of their updates, and of as many of their honest ones as the server has other clients. It is boosted,
    so that the mean over all clients does not water it down. A stealthy one lowers the loss on a batch of the client's
    own data plus rho / 2 times the squared distance from the estimated honest update, which is the mean of the
    compromised clients' honest ones: so both the accuracy and the distance of what is sent look ordinary.

    Several compromised clients share the work: their boost is the smaller, the more they are. With
    `stealth_steps = 0`, this is explicit boosting alone. The paper's attacker estimates honest updates from the last
    round; here the compromised clients' honest training of the same round serves, which is nearer.

    Attributes
    ----------
    inputs : how many inputs are attacked. They are drawn from the test set, among those of other labels.
    label : the label wanted for all of them.
    boost : how many times a malicious step is enlarged; None: the number of updates that the server averages over the
        number that the attackers send.
    steps : malicious steps.
    stealth_steps : stealthy steps after each malicious one.
    lr : the length of either step.
    rho : the weight of the distance.

    Source: Bhagoji, Chakraborty, Mittal and Calo, "Analyzing Federated Learning through an Adversarial Lens", ICML
    2019, sections 3.2 (boosting), 3.3 (stealth, alternating minimisation) and 3.4 (estimation); Guo et al. 2024,
    section 5.4.
    """

    kind: Literal["targeted"] = "targeted"
    needs_classes: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    inputs: PositiveInt = 1
    label: NonNegativeInt = 0
    boost: Positive | None = None
    steps: PositiveInt = 10
    stealth_steps: NonNegativeInt = 5
    lr: Positive = 0.1
    rho: NonNegative = 0.1

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The inputs attacked and the labels wanted for them.

        Raises
        ------
        InvalidConfig
            If there is no such label, or there are not so many inputs of other labels.
        """
        others = other_labels(self.label, y, classes).nonzero()[:, 0]
        if len(others) < self.inputs:
            raise InvalidConfig(f"`inputs` must be at most {len(others)} for Targeted; found {self.inputs}")
        chosen = others[torch.randperm(len(others), generator=generator)[: self.inputs].to(others.device)]
        return x[chosen], torch.full_like(y[chosen], self.label)

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If the view has no workshop.
        """
        if len(view.own) == 0:
            return view.own
        rows, expected = view.own.double(), view.own.double().mean(dim=0)
        share, boost = 1 / view.boost, self.boost or view.boost
        for _ in range(self.steps):
            coming = share * rows.mean(dim=0) + (1 - share) * expected
            rows = rows - boost * self.lr * view.tools.wanted_gradient(_at(view, coming)).double()
            for _ in range(self.stealth_steps):
                learnt = [view.tools.training_gradient(_at(view, row), i, view.generator) for i, row in enumerate(rows)]
                rows = rows - self.lr * (torch.stack(learnt).double() + self.rho * (rows - expected))
        return sendable(rows, view.own)


def _at(view: View, update: Tensor) -> Tensor:
    """The model that an update leads to, in the dtype in which models travel."""
    return sendable(view.origin.double() + update, view.origin)
