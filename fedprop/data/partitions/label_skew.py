"""Clients who each hold a few of the classes, in uneven amounts."""

from typing import Literal, Self

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.data.partitions.base import Partition
from fedprop.data.partitions.shares import dealt, until_fed
from fedprop.errors import InvalidConfig
from fedprop.types import Positive


class LabelSkew(Partition):
    """Each client may hold k classes and no other; the holders' shares of a class are drawn from Dirichlet(q).

    So both diversities of HeteroFL are large: who holds a class, and how much of it. With n clients and L classes,
    first the classes go round, one after another, until each client has one and each class has a holder; then every
    client draws the rest of its k at random. A client to whom a draw leaves almost nothing has all drawn again, as in
    `Dirichlet`.

    Attributes
    ----------
    k : the classes that a client may hold.
    q : concentration; the smaller, the more uneven are the holders' shares of a class.
    min_size : the fewest examples a client may have.
    max_draws : how many partitions to draw before giving up.

    Source: reconstructed. Lu et al. 2024 (HeteroFL) have such a setting in Figure 1 and describe no more than
    Dirichlet(0.2). A few classes for each client are McMahan et al. 2017, section 3 (most clients have two digits);
    that the classes are drawn, and each class is shared by those who drew it, is Li et al., "Federated Learning on
    Non-IID Data Silos", ICDE 2022, section 4.1 (quantity-based label imbalance, there in equal shares, as here for a
    large q).
    """

    kind: Literal["label_skew"] = "label_skew"
    k: PositiveInt = 2
    q: Positive = 1.0
    min_size: PositiveInt = 1
    max_draws: PositiveInt = 1000

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(k=1, q=100.0))

    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        if self.k > classes or self.k * clients < classes:
            raise InvalidConfig(
                f"`k` must lie between {-(-classes // clients)} and {classes} for LabelSkew, so that {clients} clients "
                f"hold {classes} classes; found {self.k}"
            )
        return until_fed(
            lambda: dealt(labels, self._holders(clients, classes, generator), self.q, generator),
            type(self).__name__,
            examples=len(labels),
            clients=clients,
            min_size=self.min_size,
            max_draws=self.max_draws,
            told=f"k={self.k} and q={self.q}",
        )

    def _holders(self, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        """Who may hold which class: Booleans [clients, classes], k in each row and one at least in each column."""
        order = torch.randperm(classes, generator=generator)
        turns = torch.arange(max(clients, classes))
        wish = torch.rand(clients, classes, generator=generator, dtype=torch.float64)
        wish[turns % clients, order[turns % classes]] = 2.0  # above all draws: these are held in any case
        holders = torch.zeros(clients, classes, dtype=torch.bool)
        return holders.scatter_(1, wish.topk(self.k).indices, True)
