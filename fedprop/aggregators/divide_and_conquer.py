"""Divide-and-conquer (DnC): rows that stand out along the direction of most scatter are left out."""

from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, column_spans, mix, read
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.views import seen_in_proportion
from fedprop.types import Gram, Weights

SAME = 1e-9
"""Singular values and scores this close, as a share of the largest, count as equal: rounding may set them so apart."""


class DivideAndConquer(Aggregator):
    """The mean of the rows that lie close to the mean along the top singular direction, in each of several samples.

    In every one of `iterations` samples, b coordinates are drawn without replacement, and the rows are centred by their
    mean on these. A row's score is the square of its product with the top right singular vector; the round(c f) rows
    with the largest scores are bad, of equal ones those that come last. The answer is the mean of the rows that are
    bad in no sample; zero if there is none, which takes iterations * round(c f) >= n.

    Where several singular vectors share the top value, scores add up the squares for all of them. Both have equal
    scores within 1e-9 of the largest. Needs n >= 2f + 1 and n > round(c f). Costs n^2 b for each sample, and n d.

    The coordinates are drawn from the cohort's generator.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.
    c : how many rows are left out for each of these.
    b : how many coordinates a sample has; all, if there are no more.
    iterations : how many samples there are.

    Source: Shejwalkar and Houmansadr, "Manipulating the Byzantine", NDSS 2021, Algorithm 2; the defaults are
    reconstructed, and what happens where no row is left is open there.

    >>> from fedprop.aggregators import Cohort
    >>> rows = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [90.0, 90.0]])
    >>> DivideAndConquer(f=1).aggregate(Cohort(rows, generator=torch.Generator())).value
    tensor([0.3333, 0.3333])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "inner products"
    cost: ClassVar[str] = "n d + n^2 b"

    kind: Literal["divide_and_conquer"] = "divide_and_conquer"
    f: NonNegativeInt
    c: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0
    b: PositiveInt = 10_000
    iterations: PositiveInt = 1

    @classmethod
    def examples(cls) -> tuple["DivideAndConquer", ...]:
        return (cls(f=1), cls(f=2, b=2, iterations=3), cls(f=1, c=1.5, b=1, iterations=2), cls(f=0))

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"generator"})

    @property
    def min_rows(self) -> int:
        return max(2 * self.f, self._left_out) + 1

    def requirement(self) -> str:
        return "n >= 2f + 1" if 2 * self.f >= self._left_out else f"n > round(c f) = {self._left_out}"

    @property
    def _left_out(self) -> int:
        return round(self.c * self.f)

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=self.iterations == 1,
            scaling=True,
            idempotent=self.iterations == 1,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL if self.iterations == 1 else Region.ANYWHERE,
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows, d = cohort.updates, cohort.updates.shape[1]
        good = torch.ones(len(rows), dtype=torch.bool, device=rows.device)
        for _ in range(self.iterations):
            chosen = torch.randperm(d, generator=cohort.generator)[: self.b].sort().values
            part = rows if len(chosen) == d else _columns(rows, chosen)
            kept = _scores(seen_in_proportion(part, self).gram).argsort(stable=True)[: len(rows) - self._left_out]
            good &= torch.zeros_like(good).index_fill_(0, kept, True)
        weights = good.double() / good.sum().clamp(min=1)
        value = mix(weights[None], rows)[0]
        return Aggregation(value, weights.to(value.dtype), state)


def _columns(rows: Rows, chosen: Tensor) -> Tensor:
    """The columns with these indices, in ascending order, of all rows."""
    parts = []
    for start, stop in column_spans(rows):
        inside = chosen[(chosen >= start) & (chosen < stop)] - start
        if len(inside):
            parts.append(read(rows, start, stop)[:, inside.to(rows.device)])
    return torch.cat(parts, dim=1)


def _scores(gram: Gram) -> Weights:
    """The squared product of each row with the top singular direction, over the largest, rounded to `SAME`.

    With u for a unit eigenvector of the centred inner products, the products of the rows with the singular vector are
    u times the singular value.
    """
    centred = gram - gram.mean(dim=0) - gram.mean(dim=1, keepdim=True) + gram.mean()
    values, vectors = torch.linalg.eigh(centred)
    if not values[-1] > SAME**2 * gram.diagonal().max():
        return torch.zeros_like(values)
    top = values >= (1 - SAME) * values[-1]
    scores = vectors[:, top].square().sum(dim=1)
    rounded: Tensor = (scores / scores.max() / SAME).round()
    return rounded
