"""The median of a few numbers, such as one for each row."""

from torch import Tensor

from fedprop.types import Weights


def median_of(values: Weights) -> Tensor:
    """The median of values [n]; of an even number, the mean of the two in the middle.

    >>> import torch
    >>> float(median_of(torch.tensor([4.0, 1.0, 2.0, 9.0])))
    3.0
    """
    ordered, n = values.sort().values, len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
