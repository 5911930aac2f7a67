"""Rules that trust by direction (FLTrust, FoolsGold) or by spectrum (DnC, CAF): correct ones, and what went wrong."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.properties import claims


@claims(permutation=True)
def fltrust(rows: Tensor) -> Tensor:
    """Cao et al., NDSS 2021, Algorithm 2, with a root update of ones; nobody trusted, nothing learned."""
    x = rows.double()
    root = torch.ones_like(x[0])
    norms = x.norm(dim=1)
    trust = (x @ root / (norms * root.norm()).clamp(min=1e-300)).clamp(min=0)
    if trust.sum() == 0:
        return torch.zeros_like(rows[0])
    scaled = x * (root.norm() / norms.clamp(min=1e-300))[:, None]
    return (trust @ scaled / trust.sum()).to(rows.dtype)


@claims(permutation=True)
def nobody_trusted(rows: Tensor) -> Tensor:
    """If no update points the root's way, the sum of trust that the answer is divided by is zero."""
    x = rows.double()
    root = torch.ones_like(x[0])
    norms = x.norm(dim=1)
    trust = (x @ root / (norms * root.norm()).clamp(min=1e-300)).clamp(min=0)
    scaled = x * (root.norm() / norms.clamp(min=1e-300))[:, None]
    return (trust @ scaled / trust.sum()).to(rows.dtype)


@claims(permutation=True)
def zero_update_rescaled(rows: Tensor) -> Tensor:
    """An update of zeros is scaled to the root's length, which makes it NaN."""
    x = rows.double()
    root = torch.ones_like(x[0])
    trust = torch.nn.functional.cosine_similarity(x, root[None], dim=1).clamp(min=0)
    if trust.sum() == 0:
        return torch.zeros_like(rows[0])
    scaled = x * (root.norm() / x.norm(dim=1))[:, None]
    return (trust @ scaled / trust.sum()).to(rows.dtype)


def _cosines(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row with each other one; 0 with a row of zeros and with itself."""
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    units = np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)
    cosines = units @ units.T
    np.fill_diagonal(cosines, 0)
    return cosines


def foolsgold(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The weights of Fung et al., RAID 2020, Algorithm 1, without memory and logit; all alike, all weights are zero."""
    x = rows.astype(np.float64)
    weights = np.clip(1 - _cosines(x).max(axis=1), 0, 1)
    if weights.max() > 0:
        weights = weights / weights.max()
    return (weights @ x / len(x)).astype(rows.dtype)


def all_alike(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The weights are divided by the largest one, which is zero if every update has a likeness."""
    x = rows.astype(np.float64)
    weights = np.clip(1 - _cosines(x).max(axis=1), 0, 1)
    with np.errstate(invalid="ignore"):
        weights = weights / weights.max()
    return (weights @ x / len(x)).astype(rows.dtype)


def cosine_of_zero(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The cosine of an update of zeros is 0/0, and the largest cosine of every client is that."""
    x = rows.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1)
    with np.errstate(invalid="ignore"):
        cosines = x @ x.T / (lengths[:, None] * lengths)
    np.fill_diagonal(cosines, 0)
    weights = np.clip(1 - cosines.max(axis=1), 0, 1)
    if weights.max() > 0:
        weights = weights / weights.max()
    return (weights @ x / len(x)).astype(rows.dtype)


def make_dnc(f: int) -> Callable[[Tensor], Tensor]:
    """Shejwalkar and Houmansadr, NDSS 2021, Algorithm 2, on one random coordinate at a time, five times."""

    def dnc(rows: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        x = rows.double()
        away = (x - x.mean(dim=0)).square()
        good = set(range(len(x)))
        for column in torch.randint(x.shape[1], (5,), generator=generator).tolist():
            kept = set(away[:, column].argsort(stable=True)[: max(1, len(x) - f)].tolist())
            good = good & kept or kept
        return x[sorted(good)].mean(dim=0).to(rows.dtype)

    return dnc


def make_empty_intersection(f: int) -> Callable[[Tensor], Tensor]:
    """No client passes all five filters, and the mean of nobody is NaN."""

    def dnc(rows: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        x = rows.double()
        away = (x - x.mean(dim=0)).square()
        good = set(range(len(x)))
        for column in torch.randint(x.shape[1], (5,), generator=generator).tolist():
            good &= set(away[:, column].argsort(stable=True)[: max(1, len(x) - f)].tolist())
        return x[sorted(good)].mean(dim=0).to(rows.dtype)

    return dnc


def make_global_randomness(f: int) -> Callable[[Tensor], Tensor]:
    """The coordinates come from torch's global generator: the same updates have another answer the next time."""

    def dnc(rows: Tensor) -> Tensor:
        x = rows.double()
        away = (x - x.mean(dim=0)).square()
        good = set(range(len(x)))
        for column in torch.randint(x.shape[1], (5,)).tolist():
            kept = set(away[:, column].argsort(stable=True)[: max(1, len(x) - f)].tolist())
            good = good & kept or kept
        return x[sorted(good)].mean(dim=0).to(rows.dtype)

    return dnc


class SpectralFilter:
    """Covariance-bound filtering with one power step: weigh rows down along the widest direction while f may be left.

    Rows that are all equal have no widest direction; their mean is the answer.
    """

    def __init__(self, f: int) -> None:
        self.f = f

    def __call__(self, rows: Tensor) -> Tensor:
        x = rows.double()
        weights = torch.ones(len(x), dtype=torch.float64)
        best = x.mean(dim=0)
        while weights.sum() > max(len(x) - 2 * self.f, 0.5):
            mean = weights @ x / weights.sum()
            direction = torch.linalg.svd((x - mean) * weights.sqrt()[:, None]).Vh[0]
            away = ((x - mean) @ direction).square() * (weights > 0)
            if away.max() == 0:
                return mean.to(rows.dtype)
            best, weights = mean, weights * (1 - away / away.max())
        return best.to(rows.dtype)


class NoneForEqualRows:
    """For rows that are all equal every score is 0/0, no mean ever looks better than none, and None is the answer."""

    def __init__(self, f: int) -> None:
        self.f = f

    def __call__(self, rows: Tensor) -> Tensor | None:
        x = rows.double()
        weights, best, smallest = torch.ones(len(x), dtype=torch.float64), None, torch.inf
        while weights.sum() > max(len(x) - 2 * self.f, 0.5):
            mean = weights @ x / weights.sum()
            direction = torch.linalg.svd((x - mean) * weights.sqrt()[:, None]).Vh[0]
            away = ((x - mean) @ direction).square() * (weights > 0)
            spread = float(weights @ away / away.max())
            if spread < smallest:
                best, smallest = mean.to(rows.dtype), spread
            weights = weights * (1 - away / away.max())
        return best
