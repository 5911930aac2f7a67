"""Gaussian noise: a postprocessor that hides what a single client did to the aggregate."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, open_behind
from fedprop.aggregators.postprocessor import Postprocessor, standard_normal
from fedprop.types import Positive

ROUNDED = 1e-5
"""How far answers with noise may be apart that differ by rounding in single precision, in units of its deviation."""


class GaussianNoise(Postprocessor):
    """Add independent Gaussian noise of standard deviation `std` to every coordinate, once, to the aggregate.

    Weak differential privacy is `NormClipping(max_norm=M) >> Mean() >> GaussianNoise(std=sigma)`: noise far below what
    a guarantee takes, which still disturbs a backdoor. It states no epsilon; `central_privacy` does.

    The noise comes from the cohort's generator, in single precision, so that rows of either dtype get the same.

    Attributes
    ----------
    std : the standard deviation of the noise, in the unit of the updates.
    rounds : how many rounds there are, of which the last gets no noise, as in CRFL; None for noise in every round.

    Source: Sun et al., "Can You Really Backdoor Federated Learning?", 2019, Section 4 (weak differential privacy).

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Mean
    >>> rule = Mean() >> GaussianNoise(std=0.1)
    >>> rule.aggregate(Cohort(torch.ones(3, 2), generator=torch.Generator().manual_seed(0))).value
    tensor([1.1541, 0.9707])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["gaussian_noise"] = "gaussian_noise"
    std: Positive
    rounds: PositiveInt | None = None

    @classmethod
    def examples(cls) -> tuple["GaussianNoise", ...]:
        return cls(std=0.5), cls(std=0.5, rounds=1)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"generator"} if self.rounds is None else {"generator", "round"})

    def apply(self, found: Aggregation, cohort: Cohort, state: None) -> Aggregation:
        if self.rounds is not None and cohort.round >= self.rounds - 1:
            return found._replace(state=None)
        noise = self.std * standard_normal(found.value, cohort.generator)
        return Aggregation(found.value + noise, found.weights)

    def carry(self, contract: Contract) -> Contract:
        """What holds given the noise, which is the same whatever the rows are."""
        return contract.keeping(
            "permutation",
            "translation",
            "examples",
            ambiguous=open_behind(contract, lambda rows: rows),
            smoothing=contract.smoothing + ROUNDED * self.std,
        )
