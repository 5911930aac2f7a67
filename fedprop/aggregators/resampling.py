"""Resampling: a stage that averages a few rows at a time and leaves as many as came, each row used equally often."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt

from fedprop.aggregators.bucketing import averaged
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Region, of_fewer, open_behind
from fedprop.aggregators.stage import Stage, Staged


class Resampling(Stage):
    """The means of n groups of `s` rows each, in which every row is used s times.

    s copies of all rows are shuffled, and each s in turn make a group, in which a row may be twice. As many rows leave
    it as come, with less scatter, but a Byzantine row spoils up to s of them, so the rule behind must tolerate s f
    of n rows. `bucketing`, the form of the final version, leaves n / s rows of which f are spoiled.

    A group goes by the name of the client in its place, which tells a rule with memory nothing; it claims as many
    examples as its clients do on average, and is as stale as the stalest.

    The order is drawn from the cohort's generator. Costs s n d.

    Attributes
    ----------
    s : how many rows a group holds, and how often each row is used.

    Source: He, Karimireddy and Jaggi, "Byzantine-Robust Learning on Heterogeneous Datasets via Resampling", 2020, the
    first version of the paper on bucketing, Algorithm 1; reconstructed as a shuffle of s copies.

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Mean
    >>> rows = torch.tensor([[0.0], [2.0], [4.0]])
    >>> (Resampling(s=2) >> Mean()).aggregate(Cohort(rows, generator=torch.Generator())).value
    tensor([2.])
    """

    cost: ClassVar[str] = "s n d"
    reads_columns: ClassVar[bool] = True

    kind: Literal["resampling"] = "resampling"
    s: PositiveInt = 2

    @classmethod
    def examples(cls) -> tuple["Resampling", ...]:
        return cls(), cls(s=3)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"generator"})

    def apply(self, cohort: Cohort, state: None) -> Staged:
        n = len(cohort.updates)
        places = (torch.randperm(self.s * n, generator=cohort.generator) % n).view(n, self.s).tolist()
        return averaged(cohort, places, cohort.clients)

    def carry(self, contract: Contract) -> Contract:
        """What holds for any order: honest groups lie in the honest box, and f rows spoil s f groups at most."""
        return contract.keeping(
            "translation",
            "scaling",
            "orthogonal",
            "idempotent",
            "separable",
            "linear",
            examples=contract.ignoring,
            lies_in=Region.HULL if contract.lies_in is Region.ROW else contract.lies_in,
            tolerates=of_fewer(
                contract.tolerates, lambda n: range(1 + max(contract.tolerates(n), default=-1) // self.s)
            ),
            ambiguous=open_behind(contract, None),
        )
