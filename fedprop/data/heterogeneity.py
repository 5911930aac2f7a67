"""How different the clients' data are: the two measures of HeteroFL.

Source: Lu et al. 2024, equations 2 and 3. The paper does not say which standard deviation it means. Ours divides by
the number of clients: they are the whole population, and a single client is not diverse but has diversity 0.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def label_counts(labels: Tensor, parts: Sequence[Tensor], classes: int) -> Tensor:
    """How many examples of each class each client holds, int64 [clients, classes].

    >>> label_counts(torch.tensor([0, 1, 1]), [torch.tensor([0]), torch.tensor([1, 2])], 2).tolist()
    [[1, 0], [0, 2]]
    """
    if not len(parts):
        return torch.zeros(0, classes, dtype=torch.int64)
    clients = torch.arange(len(parts)).repeat_interleave(torch.tensor([len(part) for part in parts]))
    # Each pair of a client and a class has a number of its own: all are counted in one pass.
    pairs = clients * classes + labels[torch.cat(list(parts))].to(torch.int64)
    return pairs.bincount(minlength=len(parts) * classes).view(len(parts), classes)


def load_diversity(counts: Tensor) -> Tensor:
    """For each class, the standard deviation over clients of how many examples they hold: float64 [classes].

    >>> load_diversity(torch.tensor([[1, 0], [3, 0]])).tolist()
    [1.0, 0.0]
    """
    return counts.double().std(dim=0, correction=0)


def label_diversity(counts: Tensor) -> Tensor:
    """For each class, the standard deviation over clients of whether they hold any of it: float64 [classes].

    It is at most 1/2, reached when half of the clients hold the class.

    >>> label_diversity(torch.tensor([[1, 0], [3, 2]])).tolist()
    [0.0, 0.5]
    """
    return counts.sign().double().std(dim=0, correction=0)
