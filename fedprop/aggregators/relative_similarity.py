"""How near each row is to the half of a set that is nearest to it, by cosines."""

from jaxtyping import Float
from torch import Tensor

from fedprop.types import Weights


def half_of(n: int) -> int:
    """How many of n rows are half of them: of an odd number the larger part.

    Lu et al. 2024 write |C| / 2 and do not round. Rounded down, the only row of a set, or the only group, would have a
    sum of nothing for its score; rounded up, a majority is asked, and the median of the scores is never negative.
    """
    return -(-n // 2)


def relative_similarity(cosines: Float[Tensor, "m n"]) -> Weights:
    """For each of m rows the sum [m] of its `half_of` n highest cosines with a set of n, given all of them [m, n].

    Where a row is in the set itself, its cosine with itself is among them.

    >>> import torch
    >>> relative_similarity(torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]))
    tensor([1.5000, 1.5000, 1.5000])
    """
    return cosines.topk(half_of(cosines.shape[1]), dim=1).values.sum(dim=1)
