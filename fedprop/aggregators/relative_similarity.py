"""How near each row is to the half of a set that is nearest to it, by cosines."""

import torch
from jaxtyping import Float
from torch import Tensor

from fedprop.types import Weights


def half_of(n: int) -> int:
    """How many of n rows are half of them: of an odd number the larger part.

    Lu et al. 2024 write |C| / 2 and do not round. Rounded down, the only row of a set, or the only group, would have a
    sum of nothing for its score; rounded up, a majority is asked, and the median of the scores is never negative.
    """
    return -(-n // 2)


def relative_similarity(cosines: Float[Tensor, "n n"], *, self_similarity: bool = True) -> Weights:
    """For each of n rows the sum [n] of its `half_of` n highest cosines with all of them, given these cosines [n, n].

    With `self_similarity` a row's own cosine is among them; without it they are those with the other rows, of which
    there may be none.

    >>> import torch
    >>> alike = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]])
    >>> relative_similarity(alike)
    tensor([1.5000, 1.5000, 1.5000])
    >>> relative_similarity(alike, self_similarity=False)
    tensor([0.5000, 1.0000, 0.5000])
    """
    half = half_of(len(cosines))
    if self_similarity:
        return cosines.topk(half, dim=1).values.sum(dim=1)
    others = cosines.clone().fill_diagonal_(-torch.inf).topk(half, dim=1).values
    return others.where(others.isfinite(), 0).sum(dim=1)
