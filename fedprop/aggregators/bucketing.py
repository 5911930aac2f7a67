"""Bucketing: a stage that averages a few rows at a time, in random order, before a rule sees them."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import MixedRows
from fedprop.aggregators.contract import Contract, Region, of_fewer, open_behind
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import ClientId


class Bucketing(Stage):
    """The means of buckets of `s` rows in random order; s = 2 halves the number of rows and the honest rows' variance.

    Of a random order each `s` rows in turn make a bucket; the last may hold fewer. A Byzantine row spoils one bucket,
    so of ceil(n / s) buckets at most f are spoiled, and the rule behind must tolerate f of so few.

    A bucket stands for all its clients: it claims as many examples as they do on average, is as stale as the stalest,
    and goes by the id of the one that comes first in it. That is another one in each round, so a rule with memory of
    clients learns nothing behind this stage.

    The order is drawn from the cohort's generator: `rule.aggregate(Cohort(rows, generator=torch.Generator()))`.

    Attributes
    ----------
    s : how many rows a bucket holds.

    Source: Karimireddy, He and Jaggi, "Byzantine-Robust Learning on Heterogeneous Datasets via Bucketing", ICLR 2022,
    Algorithm 1 (the form of the final version; the first, "resampling", made n rows of n).

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Median
    >>> rows = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
    >>> (Bucketing(s=4) >> Median()).aggregate(Cohort(rows, generator=torch.Generator())).value
    tensor([3.])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["bucketing"] = "bucketing"
    s: PositiveInt = 2

    @classmethod
    def examples(cls) -> tuple["Bucketing", ...]:
        return cls(), cls(s=3)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"generator"})

    def rows_needed(self, rows: int) -> int:
        return self.s * (rows - 1) + 1

    def apply(self, cohort: Cohort, state: None) -> Staged:
        n = len(cohort.updates)
        places = torch.randperm(n, generator=cohort.generator).tolist()
        buckets = [places[start : start + self.s] for start in range(0, n, self.s)]
        return averaged(cohort, buckets, tuple(cohort.clients[bucket[0]] for bucket in buckets))

    def _buckets(self, n: int) -> int:
        return -(-n // self.s)

    def carry(self, contract: Contract) -> Contract:
        """What holds for any order: the honest buckets lie in the honest box, and f rows spoil at most f buckets.

        The order of the rows counts, since a drawn place is a place. No coefficient survives: a bound for some order of
        the rows is not one for every order, and the paper's holds in expectation.
        """
        return contract.keeping(
            "translation",
            "scaling",
            "orthogonal",
            "idempotent",
            "separable",
            "linear",
            examples=contract.ignoring,
            lies_in=Region.HULL if contract.lies_in is Region.ROW else contract.lies_in,
            tolerates=of_fewer(contract.tolerates, lambda n: contract.tolerates(self._buckets(n))),
            ambiguous=open_behind(contract, None),
        )


def averaged(cohort: Cohort, groups: Sequence[Sequence[int]], clients: tuple[ClientId, ...]) -> Staged:
    """The means of groups of rows, each in the name of a client, in which a row may be more than once."""
    mixing = torch.zeros(len(groups), len(cohort.updates), dtype=torch.float64)
    for group, rows in enumerate(groups):
        mixing[group].index_add_(0, torch.tensor(rows), torch.full((len(rows),), 1 / len(rows), dtype=torch.float64))
    mixing = mixing.to(cohort.updates.device)
    means = cohort.changed(
        updates=MixedRows(mixing, cohort.updates),
        clients=clients,
        # Rounded up; where all claim the same, a group that is not full counts as the others do.
        examples=tuple(-(-sum(cohort.examples[i] for i in rows) // len(rows)) for rows in groups),
        staleness=tuple(max(cohort.staleness[i] for i in rows) for rows in groups),
    )
    return Staged(means, mixing)
