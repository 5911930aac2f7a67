"""Clients whose sizes are given."""

from typing import Literal, Self

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.data.partitions.answer import NOBODY
from fedprop.data.partitions.base import Partition
from fedprop.errors import InvalidConfig


class Sizes(Partition):
    """A shuffle, dealt out in the given sizes; what is left goes to nobody.

    Attributes
    ----------
    sizes : the number of examples of each client.

    Source: Shi et al. 2022, section VI.
    """

    kind: Literal["sizes"] = "sizes"
    sizes: tuple[PositiveInt, ...]

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(sizes=(3, 5, 2)),)

    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        total = sum(self.sizes)
        if len(self.sizes) != clients:
            raise InvalidConfig(
                f"`sizes` must have one entry for each of the {clients} clients; found {len(self.sizes)}"
            )
        if total > len(labels):
            raise InvalidConfig(f"`sizes` must sum to at most the number of examples, {len(labels)}; found {total}")
        owners = torch.full((len(labels),), NOBODY)
        dealt = torch.randperm(len(labels), generator=generator)[:total]
        owners[dealt] = torch.arange(clients).repeat_interleave(torch.tensor(self.sizes))
        return owners
