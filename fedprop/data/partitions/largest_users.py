"""One client for each of those who left most."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.data.partitions.answer import NOBODY
from fedprop.data.partitions.base import Partition
from fedprop.data.partitions.users import check_users


class LargestUsers(Partition):
    """Client i holds all examples of the user with the (i + 1)-th most of them; other users' go to nobody.

    Among users with equally many the one with the smaller number comes first. Source: Caldas et al. 2018 (LEAF),
    section 3: a client is a user, here a speaker or a writer. LEAF draws users at random; the largest are the ones
    whose rounds cost most and whose examples are most worth having.

    >>> LargestUsers().owners(torch.tensor([0, 2, 1, 2, 1, 2]), 2, 3, torch.Generator()).tolist()
    [-1, 0, 1, 0, 1, 0]
    """

    by_user: ClassVar[bool] = True

    kind: Literal["largest_users"] = "largest_users"

    def owners(self, labels: Tensor, clients: int, classes: int, generator: torch.Generator) -> Tensor:
        counts = torch.bincount(labels, minlength=classes)
        check_users(type(self).__name__, counts, clients)
        chosen = counts.argsort(descending=True, stable=True)[:clients]
        client_of = torch.full((classes,), NOBODY)
        client_of[chosen] = torch.arange(clients)
        return client_of[labels]
