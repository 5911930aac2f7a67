"""The coordinate-wise median: correct ones, and what went wrong elsewhere."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def median(rows: Tensor) -> Tensor:
    """Yin et al., ICML 2018, Definition 1: of an even number of values, the mean of the middle two."""
    ordered = rows.double().sort(dim=0).values
    n = len(rows)
    return ((ordered[(n - 1) // 2] + ordered[n // 2]) / 2).to(rows.dtype)


def lower_middle(rows: Tensor) -> Tensor:
    """torch's median of an even number of values is the lower one of the middle two."""
    return rows.median(dim=0).values


def written_into_first(rows: Tensor) -> Tensor:
    """The answer is written into the update of the first client."""
    answer = rows[0]
    ordered = rows.double().sort(dim=0).values
    n = len(rows)
    answer[:] = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    return answer


def median_numpy(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The median in NumPy."""
    return np.median(rows, axis=0).astype(rows.dtype)


def cast_to_float32(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Whatever comes in is cast to float32 first, and the answer stays that."""
    return np.median(rows.astype(np.float32), axis=0)
