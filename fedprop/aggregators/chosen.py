"""What rules share that choose some of the rows and average them."""

import torch
from torch import Tensor

from fedprop.types import Weights


def equal_weights(kept: Tensor) -> Weights:
    """One over the number of the kept rows for each of them, 0 for the others, given a mask [n]; in float64.

    >>> equal_weights(torch.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000], dtype=torch.float64)
    """
    return kept.double() / kept.sum()


def weights_of(chosen: Tensor, n: int) -> Weights:
    """The same, given the indices of the kept rows."""
    kept = torch.zeros(n, dtype=torch.bool, device=chosen.device)
    kept[chosen] = True
    return equal_weights(kept)
