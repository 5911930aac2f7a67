"""How near reconstructions come to the originals."""

from collections import Counter
from typing import NamedTuple

import torch
from torch import Tensor

HIGHEST = 120.0
"""Decibels from which on two pictures count as the same: single precision tells no more."""

SMALLEST = 6
"""Sides from which on pictures have a structural similarity: its window of 11 pixels is mirrored at their borders."""


class Bounds(NamedTuple):
    """The range in which inputs lie."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """How far apart the ends are; 1 where inputs are all the same."""
        return self.high - self.low or 1.0


class Judged(NamedTuple):
    """Reconstructions beside the originals that they come nearest to, each original once.

    Attributes
    ----------
    originals, reconstructions : [n, ...] both, the latter cut to the range of inputs.
    psnr : the peak signal-to-noise ratio of each pair, in decibels, at most `HIGHEST`.
    ssim : the structural similarity of each pair, in [-1, 1]; empty for what is no picture, or a tiny one.
    """

    originals: Tensor
    reconstructions: Tensor
    psnr: tuple[float, ...]
    ssim: tuple[float, ...]


def judge(originals: Tensor, candidates: Tensor, bounds: Bounds) -> Judged:
    """Give each candidate [n, ...] an original of its own out of at least n, with the least sum of squared errors.

    Candidates have no order, so that all of a client's examples may be meant. With many more originals than candidates
    the best of them is near by chance; compare with what an attack on noise comes to.

    Source: Geiping et al. 2020, Figure 6 (PSNR); Wang et al., "Image Quality Assessment", 2004 (SSIM), by torchmetrics.
    """
    # scipy and torchmetrics take a second or two to import, so only those who attack pay for them.
    from scipy.optimize import linear_sum_assignment

    cut = candidates.detach().nan_to_num().clamp(bounds.low, bounds.high)
    costs = torch.cdist(cut.flatten(1).double(), originals.flatten(1).double()).square()
    rows, columns = linear_sum_assignment(costs.cpu().numpy())
    matched, mine = originals[torch.as_tensor(columns)], cut[torch.as_tensor(rows)]
    return Judged(matched, mine, _psnr(matched, mine, bounds.width), _ssim(matched, mine, bounds.width))


def _psnr(originals: Tensor, candidates: Tensor, width: float) -> tuple[float, ...]:
    from torchmetrics.functional.image import peak_signal_noise_ratio

    pairs = zip(candidates.double(), originals.double(), strict=True)
    found = (float(peak_signal_noise_ratio(mine, original, data_range=width)) for mine, original in pairs)
    return tuple(min(value, HIGHEST) for value in found)


def _ssim(originals: Tensor, candidates: Tensor, width: float) -> tuple[float, ...]:
    from torchmetrics.functional.image import structural_similarity_index_measure

    if originals.ndim != 4 or min(originals.shape[2:]) < SMALLEST:
        return ()
    found = structural_similarity_index_measure(candidates, originals, data_range=width, reduction="none")
    return tuple(found.reshape(-1).tolist())  # type: ignore[union-attr]  # a tensor, unless more is asked for


def label_recall(guessed: Tensor, true: Tensor) -> float:
    """The share of guessed labels that are among the true ones, each of these once.

    >>> label_recall(torch.tensor([1, 1, 2, 3]), torch.tensor([1, 2, 2, 3]))
    0.75
    """
    common = Counter(guessed.tolist()) & Counter(true.tolist())
    return common.total() / len(guessed)
