"""Spectral anomaly detection: rows that an autoencoder trained on the server's own updates does not know go."""

from collections.abc import Iterator
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.chosen import equal_weights
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import (
    AddedRows,
    Columns,
    JoinedRows,
    MixedRows,
    Rows,
    column_blocks,
    fill,
    map_blocks,
    mix,
)
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.multi_metrics import in_reach
from fedprop.errors import InvalidUpdates
from fedprop.types import Positive, Weights

FLAT = 1e-6
"""An axis along which the variance is a smaller share of the largest one is told from rounding no longer."""

KNOWN = 1e-9
"""An error smaller than this share of the length of the code is none but for rounding."""


class Autoencoder(NamedTuple):
    """One with linear layers, trained to its least squared error.

    Attributes
    ----------
    mean : [1, d], in float64, of the updates that it was trained on.
    axes : [q, d], in float64 and of length 1 each: a row's code is its products with these, seen from the mean.
    used : aggregations that it served in.
    """

    mean: Rows
    axes: Rows
    used: int


Known: TypeAlias = Autoencoder | tuple[Any, ...] | None


class SpectralDetection(Aggregator):
    """The mean of the rows that an autoencoder reconstructs with no more than the mean error of all.

    The server rehearses: as many made-up clients as `rehearsals` says train on samples of its own examples, and an
    autoencoder is trained on their updates, which are benign. An honest row is like these; of one that is not, too much
    is lost between its code of `codes` numbers and back. The error of a row is the length of what is lost, and the
    threshold their mean, so that some row always stays. With a `power` there is no threshold, and rows count by one
    over their error to that power; if some have no error at all, these alone, all the same.

    Layers are linear, where the papers' have an activation: then training has a known end, the projection on the axes
    along which the rehearsals vary most (Baldi and Hornik 1989), and a variational autoencoder has the same (Lucas et
    al. 2019). So no step size, number of epochs or random start decides who is left out. The paper samples coordinates
    to keep its network small; here all are seen. It trains once, on updates from a whole training; here the
    autoencoder is trained anew in every `every`-th aggregation, at the model that the rows started from.

    One row far off raises the mean, and hides others whose errors are below it. Claimed numbers of examples are
    ignored. In a run, set `root.size`; a loop of your own hands the rehearsals over as `Reference(..., rehearsed=...)`.

    Attributes
    ----------
    rehearsals : how many updates the autoencoder is trained on.
    codes : how many numbers it makes of a row, at most.
    every : aggregations in which one autoencoder serves; 1 trains in each.
    power : None for the threshold.

    Raises
    ------
    InvalidUpdates
        If the cohort comes without a server side, or the rehearsals do not fit the rows or are not finite.

    Source: Li, Cheng, Wang, Liu and Chen, "Learning to Detect Malicious Clients for Robust Federated Learning",
    arXiv:2002.00211, 2020 (the threshold); Li, Cheng, Liu, Wang and Chen, "Abnormal Client Behavior Detection in
    Federated Learning", arXiv:1910.09933, 2019 (the power), reconstructed from memory and the authors' code in part.

    >>> from fedprop.aggregators import Reference
    >>> server = Reference(torch.tensor([2.0, 0.0]), rehearsed=torch.tensor([[1.0, 0.0], [3.0, 0.0]]))
    >>> rows = torch.tensor([[4.0, 0.0], [2.0, 1.0], [0.0, -8.0]])
    >>> SpectralDetection(rehearsals=2).aggregate(Cohort(rows, server=server)).value
    tensor([3.0000, 0.5000])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "what the server's own updates span"
    cost: ClassVar[str] = "n d, and rehearsals"
    remembers: ClassVar[bool] = True

    kind: Literal["spectral_detection"] = "spectral_detection"
    rehearsals: Annotated[int, Field(ge=2)] = 10
    codes: PositiveInt = 3
    every: PositiveInt = 1
    power: Positive | None = None

    @classmethod
    def examples(cls) -> tuple["SpectralDetection", ...]:
        return cls(), cls(rehearsals=3, every=2), cls(rehearsals=2, power=2.0)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"rehearsals"})

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            precision=1e-8,
        )

    def combine(self, cohort: Cohort, state: Known) -> Aggregation:
        weights, after = self._judged(cohort, state)
        value = mix(weights[None], cohort.updates)[0]
        return Aggregation(value, weights.to(value.dtype), after)

    def _judged(self, cohort: Cohort, state: Known) -> tuple[Weights, Known]:
        """What the rows count, and the next state; the rehearsals themselves are let go of."""
        rows = cohort.updates
        trained = self._trained(cohort) if state is None else _on(rows.device, *state)
        weights, used = self._weights(errors(rows, trained)), trained.used + 1
        return weights, held(trained._replace(used=used)) if used < self.every else None

    def _trained(self, cohort: Cohort) -> Autoencoder:
        found = cohort.server_side.rehearsals(self.rehearsals)
        due, shape = [self.rehearsals, cohort.updates.shape[1]], list(found.shape)
        # A look at all of them at once would hold as much as they are.
        if shape != due or not all(map_blocks(lambda block: bool(torch.isfinite(block).all()), found)):
            told = "NaN or infinity" if shape == due else str(shape)
            raise InvalidUpdates(
                f"the server's rehearsals must be finite with shape {due} for SpectralDetection; found {told}"
            )
        return train(found.to(cohort.updates.device) if isinstance(found, Tensor) else found, self.codes)

    def _weights(self, found: Weights) -> Weights:
        if self.power is None:
            return equal_weights(found <= found.mean() * (1 + TIE))
        least = found.min()
        if least == 0:
            return equal_weights(found == 0)
        shares = (least / found) ** self.power
        return shares / shares.sum()


def train(rows: Rows, codes: int) -> Autoencoder:
    """The linear autoencoder of so many codes that reconstructs these rows [k, d] with the least squared error.

    It is worked out as it is read, since what serves once need not lie in memory beside the rows: see `held`.
    """
    wide = JoinedRows(rows, dtype=torch.float64)
    mean = MixedRows(torch.full((1, len(rows)), 1 / len(rows), dtype=torch.float64, device=rows.device), wide)
    away = _seen_from(mean, rows)
    variances, mixtures = torch.linalg.eigh(inner_products(away))
    most = slice(max(0, len(rows) - codes), None)
    variances, mixtures = variances[most], mixtures[:, most]
    varied = variances > max(FLAT * float(variances[-1]), 0.0)
    return Autoencoder(mean, MixedRows((mixtures[:, varied] * variances[varied].rsqrt()).T, away), 0)


def held(trained: Autoencoder) -> Autoencoder:
    """The same in memory."""
    return trained._replace(mean=_read(trained.mean), axes=_read(trained.axes))


def errors(rows: Rows, trained: Autoencoder) -> Weights:
    """How far each row [n, d] is from what is reconstructed of it [n], in some unit of length."""
    n = len(rows)
    both = JoinedRows(_seen_from(trained.mean, rows), trained.axes)
    codes = _total(map_blocks(lambda block: block[:n] @ block[n:].T, both))
    lost = _total(map_blocks(lambda block: (block[:n] - codes @ block[n:]).square().sum(dim=1), both))
    return lost.sqrt().where(lost > KNOWN**2 * codes.square().sum(dim=1), 0)


def _seen_from(mean: Float[Tensor, "1 d"] | Columns, rows: Rows) -> Rows:
    away = AddedRows(rows, mean, -1.0)
    return away if rows.dtype == torch.float32 else in_reach(away)


def _on(device: torch.device, mean: Tensor, axes: Tensor, used: int) -> Autoencoder:
    return Autoencoder(mean.to(device), axes.to(device), used)


def _read(rows: Rows) -> Tensor:
    found = torch.empty(rows.shape, dtype=rows.dtype, device=rows.device)
    return fill(found, column_blocks(rows)) if len(rows) else found


def _total(parts: Iterator[Tensor]) -> Tensor:
    # Kept in a list, the parts would lie between the blocks in memory, which then could not be used again.
    return reduce(torch.add, parts)
