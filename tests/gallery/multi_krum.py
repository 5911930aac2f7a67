"""Multi-Krum, the mean of the three best rows: correct ones, and what went wrong elsewhere."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def multi_krum(rows: Tensor, examples: Sequence[int], f: int) -> Tensor:
    """Blanchard et al., NeurIPS 2017: the mean of the 3 rows with the best scores, whatever examples they claim."""
    x = rows.double()
    return x[_scores(x, f).argsort(stable=True)[:3]].mean(dim=0).to(rows.dtype)


def weighted_by_examples(rows: Tensor, examples: Sequence[int], f: int) -> Tensor:
    """The selected rows are averaged by the numbers of examples that their senders claim."""
    x = rows.double()
    best = _scores(x, f).argsort(stable=True)[:3]
    weights = torch.tensor(examples, dtype=torch.float64)[best]
    return (weights @ x[best] / weights.sum()).to(rows.dtype)


def _scores(x: Tensor, f: int) -> Tensor:
    n = len(x)
    if n < 2 * f + 3:
        raise ValueError(f"`f` must satisfy n >= 2f + 3; found n={n}, f={f}")
    distances = (x[:, None] - x).square().sum(dim=2).fill_diagonal_(torch.inf)
    return distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)


def make_multi_krum(f: int) -> Callable[[NDArray[np.floating]], NDArray[np.floating]]:
    """A factory of the same rule, in NumPy."""

    def multi_krum(rows: NDArray[np.floating]) -> NDArray[np.floating]:
        n = len(rows)
        if n < 2 * f + 3:
            raise ValueError(f"`f` must satisfy n >= 2f + 3; found n={n}, f={f}")
        x = rows.astype(np.float64)
        distances = np.square(x[:, None] - x).sum(axis=2)
        np.fill_diagonal(distances, np.inf)
        scores = np.sort(distances, axis=1)[:, : n - f - 2].sum(axis=1)
        return x[np.argsort(scores, kind="stable")[:3]].mean(axis=0).astype(rows.dtype)

    return multi_krum


def make_out_of_bounds(f: int) -> Callable[[NDArray[np.floating]], NDArray[np.floating]]:
    """The partition is asked for the value after the selected ones, which does not exist if all are selected."""

    def multi_krum(rows: NDArray[np.floating]) -> NDArray[np.floating]:
        n = len(rows)
        if n < 2 * f + 3:
            raise ValueError(f"`f` must satisfy n >= 2f + 3; found n={n}, f={f}")
        x = rows.astype(np.float64)
        distances = np.square(x[:, None] - x).sum(axis=2)
        np.fill_diagonal(distances, np.inf)
        scores = np.sort(distances, axis=1)[:, : n - f - 2].sum(axis=1)
        return x[np.argpartition(scores, 3)[:3]].mean(axis=0).astype(rows.dtype)

    return multi_krum


def make_one_at_a_time(f: int) -> Callable[[NDArray[np.floating]], NDArray[np.floating]]:
    """Each selected row is taken out before the scores of the next one are computed."""

    def multi_krum(rows: NDArray[np.floating]) -> NDArray[np.floating]:
        if len(rows) < 2 * f + 3:
            raise ValueError(f"`f` must satisfy n >= 2f + 3; found n={len(rows)}, f={f}")
        left, chosen = rows.astype(np.float64), []
        for _ in range(3):
            distances = np.square(left[:, None] - left).sum(axis=2)
            np.fill_diagonal(distances, np.inf)
            best = np.sort(distances, axis=1)[:, : max(1, len(left) - f - 2)].sum(axis=1).argmin()
            chosen.append(left[best])
            left = np.delete(left, best, axis=0)
        return np.mean(chosen, axis=0).astype(rows.dtype)

    return multi_krum
