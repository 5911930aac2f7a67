"""Clients whose label shares follow a Dirichlet distribution."""

from typing import Literal, Self

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.data.partitions.base import Partition
from fedprop.errors import InvalidConfig
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
        if clients * self.min_size > len(labels):
            raise InvalidConfig(
                f"`min_size` must be at most {len(labels) // clients} for Dirichlet with {len(labels)} examples and "
                f"{clients} clients; found {self.min_size}"
            )
        for _ in range(self.max_draws):
            owners = self._draw(labels, clients, classes, generator)
            if int(torch.bincount(owners, minlength=clients).min()) >= self.min_size:
                return owners
        raise InvalidConfig(
            f"`min_size` must be within reach for Dirichlet: in {self.max_draws} draws of {len(labels)} examples to "
            f"{clients} clients with q={self.q}, somebody always had fewer; found {self.min_size}"
        )

    def _draw(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        # torch's Dirichlet takes no generator, and NumPy's stays exact for a q so small that gamma draws underflow.
        numpy_seed = int(torch.randint(2**62, (), generator=generator))
        shares = torch.from_numpy(np.random.default_rng(numpy_seed).dirichlet([self.q] * clients, size=classes))
        owners = torch.empty(len(labels), dtype=torch.int64)
        for label in range(classes):
            members = (labels == label).nonzero().flatten()
            members = members[torch.randperm(len(members), generator=generator)]
            cuts = (shares[label].cumsum(0)[:-1] * len(members)).round()
            owners[members] = torch.bucketize(torch.arange(len(members)), cuts, right=True)
        return owners
