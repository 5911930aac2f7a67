"""Everybody's examples, packed into a given number of clients."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.data.partitions.base import Partition
from fedprop.data.partitions.users import check_users


class PackedUsers(Partition):
    """Each user's examples go to one client, whole: the largest user's first, each to the client with fewest examples.

    Among equals the smaller number comes first. Source: Graham 1969, whose rule this is for jobs on machines: the
    largest share is at most 4/3 - 1/(3 clients) of the smallest that is possible.

    >>> PackedUsers().owners(torch.tensor([0, 0, 0, 1, 1, 2, 3, 3]), 2, 4, torch.Generator()).tolist()
    [0, 0, 0, 1, 1, 0, 1, 1]
    """

    by_user: ClassVar[bool] = True

    kind: Literal["packed_users"] = "packed_users"

    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        counts = torch.bincount(labels, minlength=classes)
        check_users(type(self).__name__, counts, clients)
        client_of, held = torch.empty(classes, dtype=torch.int64), torch.zeros(clients, dtype=torch.int64)
        for user in counts.argsort(descending=True, stable=True).tolist():
            client_of[user] = held.argmin()
            held[client_of[user]] += counts[user]
        return client_of[labels]
