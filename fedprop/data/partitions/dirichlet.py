"""Clients whose label shares follow a Dirichlet distribution."""

from typing import Literal, Self

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.data.partitions.base import Partition
from fedprop.data.partitions.shares import dealt, until_fed
from fedprop.types import Positive


class Dirichlet(Partition):
    """For each class, the clients' shares of its examples are drawn from a symmetric Dirichlet distribution.

    Source: Lu et al. 2024 (HeteroFL), section VII: p_l ~ Dir_n(q), and client i gets the fraction p_{l,i} of class l.
    A small draw may leave a client with almost nothing, so the whole partition is drawn again until every client
    has `min_size` examples.

    Attributes
    ----------
    q : concentration; the smaller, the fewer classes a client holds. The paper's value is 0.2.
    min_size : the fewest examples a client may have.
    max_draws : how many partitions to draw before giving up.
    """

    kind: Literal["dirichlet"] = "dirichlet"
    q: Positive = 0.2
    min_size: PositiveInt = 1
    max_draws: PositiveInt = 1000

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(q=100.0))

    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        everybody = torch.ones(clients, classes, dtype=torch.bool)
        return until_fed(
            lambda: dealt(labels, everybody, self.q, generator),
            type(self).__name__,
            examples=len(labels),
            clients=clients,
            min_size=self.min_size,
            max_draws=self.max_draws,
            told=f"q={self.q}",
        )
