"""Groups of clients, each of which prefers one class."""

from itertools import pairwise
from typing import Annotated, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from fedprop.data.partitions.base import Partition
from fedprop.errors import InvalidConfig


def client_groups(clients: int, classes: int) -> list[range]:
    """The clients of each class's group: neighbouring numbers, group sizes equal or differing by one.

    With fewer clients than classes, each group is a single client, who serves several neighbouring classes.

    >>> client_groups(5, 2)
    [range(0, 2), range(2, 5)]
    >>> client_groups(2, 3)
    [range(0, 1), range(0, 1), range(1, 2)]
    """
    starts = [label * clients // classes for label in range(classes + 1)]
    return [range(start, max(stop, start + 1)) for start, stop in pairwise(starts)]


class FangNonIID(Partition):
    """An example of class l goes to group l with probability p, to each other group with (1 - p) / (L - 1).

    Source: Fang et al. 2020, section 4.1. Within the group every client is equally likely. p = 1 / L is IID, p = 1 the
    most heterogeneous. The paper keeps silent about two cases. Group sizes that do not come out even differ by one
    (`client_groups`). A client left with nothing receives a random example of the best-off client of its group, or
    of all clients if nobody in the group has one to spare.

    Attributes
    ----------
    p : the degree of non-IID.
    """

    kind: Literal["fang"] = "fang"
    p: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(p=0.1), cls(p=1.0))

    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        if classes < 2:
            raise InvalidConfig(f"`classes` must be at least 2 for FangNonIID; found {classes}")
        groups = client_groups(clients, classes)
        chosen = self._groups(labels, classes, generator)
        start = torch.tensor([group.start for group in groups])[chosen]
        length = torch.tensor([len(group) for group in groups])[chosen]
        # In float64 a draw below 1 times a length stays below the length.
        draw = torch.rand(len(labels), generator=generator, dtype=torch.float64)
        owners = start + (draw * length).long()
        _feed_the_empty(owners, clients, groups, generator)
        return owners

    def _groups(self, labels: Tensor, classes: int, generator: torch.Generator) -> Tensor:
        """The group of each example: that of its label, or one of the others, each equally likely."""
        at_home = torch.rand(len(labels), generator=generator, dtype=torch.float64) < self.p
        elsewhere = labels + torch.randint(1, classes, (len(labels),), generator=generator)
        return torch.where(at_home, labels, elsewhere % classes)


def _feed_the_empty(owners: Tensor, clients: int, groups: list[range], generator: torch.Generator) -> None:
    """Give each client without examples one of a richer client's, in place."""
    counts = torch.bincount(owners, minlength=clients)
    for client in (counts == 0).nonzero().flatten().tolist():
        peers = next(group for group in groups if client in group)
        giver = max(peers, key=lambda peer: int(counts[peer]))
        if counts[giver] < 2:
            giver = int(counts.argmax())
        offered = (owners == giver).nonzero().flatten()
        owners[offered[torch.randint(len(offered), (), generator=generator)]] = client
        counts[giver] -= 1
        counts[client] += 1
