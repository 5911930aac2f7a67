"""Model clipping: a postprocessor that bounds the length of the next global model."""

from typing import ClassVar, Literal

import torch

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.types import NonNegative, Positive


class ModelClipping(Postprocessor):
    """Scale the next global model down to a length of rho if it is longer; the answer is the update that leads there.

    The next model is w + aggregate for the present one w, as FedAvg with a server learning rate of 1 makes it; after
    any other step of the server it may be longer than rho. It is the model that is cut, not the update.

    CRFL trains with `Mean() >> ModelClipping(max_norm=2.0, growth=0.1, cap=15.0) >> GaussianNoise(std=0.01, rounds=T)`,
    which are the numbers of its code for MNIST. `fedprop certify` then certifies the answers of the finished model.

    Attributes
    ----------
    max_norm : what rho would be in round 0, rounds being counted from 1 for it.
    growth : by how much rho grows each round.
    cap : what rho stops at; None for nothing.

    Source: Xie, Chen, Chen and Li, "CRFL: Certifiably Robust Federated Learning against Backdoor Attacks", ICML 2021,
    Algorithm 1 (clipping); that rho_t = growth t + max_norm counts t from 1 is our reading.

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Mean
    >>> rule = Mean() >> ModelClipping(max_norm=1.0)
    >>> rule.aggregate(Cohort(torch.ones(3, 2), model=torch.tensor([2.0, 3.0]))).value
    tensor([-1.4000, -2.2000])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["model_clipping"] = "model_clipping"
    max_norm: Positive
    growth: NonNegative = 0.0
    cap: Positive | None = None

    @classmethod
    def examples(cls) -> tuple["ModelClipping", ...]:
        return cls(max_norm=2.0), cls(max_norm=2.0, growth=0.5, cap=2.25)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"model", "round"} if self.growth else {"model"})

    def bound(self, round: int) -> float:
        """Rho in this round, counted from 0."""
        rho = self.max_norm + self.growth * (round + 1)
        return rho if self.cap is None else min(rho, self.cap)

    def apply(self, found: Aggregation, cohort: Cohort, state: None) -> Aggregation:
        rho = self.bound(cohort.round) if self.growth else self.bound(0)
        model = cohort.model.to(found.value.device, torch.float64)
        # Halved and in a unit of its own, since a sum of long vectors, and its squares, may be beyond float64.
        half = model / 2 + found.value.double() / 2
        unit = 2 * (float(half.abs().max()) or 1.0)
        direction = half / (unit / 2)
        length = float(direction.norm())
        if length <= rho / unit:
            return found._replace(state=None)
        value = (direction * (rho / length) - model).to(found.value.dtype)
        return Aggregation(value, found.weights * (rho / length / unit))

    def carry(self, contract: Contract) -> Contract:
        """What holds if the model is rotated along with the rows."""
        ambiguous = open_behind(contract, lambda rows: rows)
        return contract.keeping("permutation", "orthogonal", "examples", ambiguous=ambiguous)
