"""FLTrust: rows count as far as they point where the server's own training points."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort
from fedprop.aggregators.columns import Columns, Rows, TakenRows, map_blocks, mix, read
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.rescaled import LARGEST, SMALLEST, Rescaled, each_to_size, times_power
from fedprop.errors import InvalidUpdates
from fedprop.types import Vector, Weights


class FLTrust(Aggregator):
    """The mean of the rows by trust, each row scaled to the length of the server's own update.

    The server trains on its root data as a client would; the update r that results is the reference. The trust score of
    a row is its cosine with r, or 0 if that is negative, and the answer is the mean of the rows x_i ||r|| / ||x_i||,
    weighted by score. So it is no longer than r and never points away from it, however many rows are Byzantine.

    Where the definition divides by zero: a row of zeros has no direction and scores 0, as all rows do if r is zero. If
    no row scores more than 0, the answer is zero and the global model stays as it is. The weights of the full form are
    the shares of trust, which add up to 1, or are all 0 if nobody is trusted.

    The reference comes with the cohort. In a run, set `root.size`; in a training loop of your own, hand it over as
    `Reference`. The claims of the contract hold for rows and reference moved together, as `Rooted` moves them.

    Raises
    ------
    InvalidUpdates
        If the cohort comes without a server side, or the reference does not fit the rows or is not finite.

    Source: Cao, Fang, Liu and Gong, "FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping", NDSS 2021,
    Section IV and Algorithm 2 (the global learning rate is the server's, not the rule's).

    >>> import torch
    >>> from fedprop.aggregators import Cohort, Reference
    >>> rows = torch.tensor([[9.0, 0.0], [0.0, 0.5], [-1.0, -1.0]])
    >>> answer = FLTrust().aggregate(Cohort(rows, server=Reference(torch.tensor([1.0, 1.0]))))
    >>> answer.value, answer.weights
    (tensor([0.7071, 0.7071]), tensor([0.5000, 0.5000, 0.0000]))
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["fl_trust"] = "fl_trust"

    @property
    def needs_root(self) -> bool:
        return True

    def contract(self) -> Contract:
        return Contract(permutation=True, scaling=True, orthogonal=True, idempotent=True, examples="ignored")

    def combine(self, cohort: Cohort, state: None) -> Aggregation:
        rows = cohort.updates
        every = RowsBefore(_fitting(cohort.server_side.train(), rows), rows)
        products = _products(every)
        if _within_range(products[1]):
            value, shares = _trusted(products, rows)
        else:
            # Each row in a unit of its own, since only directions count; the answer in that of the reference.
            sized, sizes = each_to_size(every)
            value, shares = _trusted(_products(sized), Rescaled(rows, sized.shifts[:-1]))
            value = times_power(value, sizes[-1])
        return Aggregation(value.to(rows.dtype), shares.to(rows.dtype))


def _trusted(products: Tensor, rows: Rows) -> tuple[Vector, Weights]:
    """The answer and the shares of trust, given the `_products` of these rows and of the reference."""
    lengths = products[1].sqrt()
    inverse = (1 / lengths).where(lengths > 0, 0)
    scores = (products[0] * inverse * inverse[-1]).clamp(min=0)[:-1]
    shares = scores / scores.sum() if scores.any() else scores
    return mix((shares * inverse[:-1] * lengths[-1])[None], rows)[0], shares


def _fitting(reference: Tensor, rows: Rows) -> Vector:
    """The reference, on the device of the rows, if it is a finite row like them."""
    if reference.shape != rows.shape[1:] or not torch.isfinite(reference).all():
        due, found = list(rows.shape[1:]), f"{list(reference.shape)}, {int(torch.isfinite(reference).sum())} finite"
        raise InvalidUpdates(f"the server's update must be finite with shape {due} for FLTrust; found {found}")
    return reference.to(rows.device)


def _products(rows: Columns) -> Tensor:
    """Of each row, the last of which is the reference: inner products with it and with itself, in float64 [2, n]."""
    total = torch.zeros(2, len(rows), dtype=torch.float64, device=rows.device)
    for found in map_blocks(lambda block: torch.stack([block @ block[-1], block.square().sum(dim=1)]), rows):
        total += found
    return total


def _within_range(squares: Tensor) -> bool:
    return bool(((squares >= SMALLEST) & (squares <= LARGEST)).all())


class RowsBefore(Columns):
    """`rows` [n, d] followed by a `last` row [d], in float64, worked out block by block."""

    def __init__(self, last: Vector, rows: Rows) -> None:
        self.last, self.rows = last, rows
        self.shape, self.dtype, self.device = torch.Size((len(rows) + 1, *rows.shape[1:])), torch.float64, rows.device

    def read(self, start: int, stop: int) -> Tensor:
        return torch.cat([read(self.rows, start, stop).double(), self.last[None, start:stop].double()])

    def take(self, rows: Tensor) -> TakenRows:
        return TakenRows(self, rows)
