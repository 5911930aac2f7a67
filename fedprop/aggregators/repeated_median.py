"""The slope of the repeated median line through the ordered values of each column, over their ranks.

That is the median over i of the median over k of the slope from i to k: n squared slopes a column. Of n medians all but
a few need only be known to lie above or below the one asked for. How many slopes from each i lie below a guess follows
from one sorting, and no slope is worked out for that: they do where values less guess times rank are not in order.
"""

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from fedprop.aggregators.coordinate import Ordered, sorted_columns
from fedprop.types import Updates, Vector

PAIRS = 1 << 17
"""Slopes between pairs of rows that are held at once: 1 MiB, which a core works on near its cache."""

FEW = 40
"""Up to so many rows all medians are worked out: guesses would not save more than they cost."""

SAMPLED, GUESSES = 4, 4
"""Medians worked out to guess from, and guesses: each costs as much as three medians; of 100 about 15 are left."""

NEAR = 0.1
"""A guess aims so far beyond the median asked for, as a share of the medians that are still open: it seldom misses."""

Lines = NDArray[np.float64]
Flags = NDArray[np.bool_]


def repeated_median_slopes(block: Updates) -> Vector:
    """The slopes [w], in float64, of the repeated median lines through the ordered values of columns [n, w]."""
    n, width = block.shape
    slopes = torch.zeros(width, dtype=torch.float64, device=block.device)
    if n < 3:
        return slopes
    halves = sorted_columns(block).double() / 2  # since the difference of two finite numbers may be beyond floats
    shared = n // 2 + 1  # so many equal slopes, of 0, are more than half wherever a value occurs once more
    steep = (halves[:, shared:] != halves[:, : n - shared]).all(dim=1).nonzero().flatten()
    slopes[steep] = 2 * _slopes(halves[steep])
    return slopes


def _slopes(lines: Ordered) -> Vector:
    """The same of columns given as ordered lines [w, n]."""
    below, above = torch.zeros_like(lines, dtype=torch.bool), torch.zeros_like(lines, dtype=torch.bool)
    if len(lines) and lines.shape[1] > FEW and not lines.is_cuda:
        below, above = map(torch.from_numpy, _narrowed(lines.numpy()))
    medians = torch.where(below, -torch.inf, torch.inf).double()
    line, rank = (~(below | above)).nonzero(as_tuple=True)
    medians[line, rank] = _medians(lines, line, rank)
    return median(ascending(medians))


def _medians(lines: Ordered, line: Int[Tensor, " m"], rank: Int[Tensor, " m"]) -> Vector:
    """The median slope from each of these ranks of these lines to the other ranks there."""
    n = lines.shape[1]
    ranks = torch.arange(n, device=lines.device)
    apart = (ranks - ranks[:, None]).double()
    found = [lines.new_zeros(0)]
    for some, here in zip(*(torch.split(each, max(1, PAIRS // n)) for each in (line, rank)), strict=True):
        slopes = lines.index_select(0, some)
        slopes -= slopes.gather(1, here[:, None])
        slopes /= apart.index_select(0, here)
        slopes.scatter_(1, here[:, None], torch.inf)  # the slope to itself sorts last, and is left out
        found.append(median(ascending(slopes)[:, :-1]))
    return torch.cat(found)


def _narrowed(lines: Lines) -> tuple[Flags, Flags]:
    """Which ranks of each line have a median slope that is surely not above, or not below, the medians asked for."""
    width, n = lines.shape
    first, last = (n - 1) // 2, n // 2  # of all medians, the places of those asked for
    low, high = (n - 2) // 2, (n - 1) // 2  # of the slopes from one rank, the places of those in the middle
    least, most = np.zeros(width), np.full(width, np.inf)
    below, above = np.zeros((2, width, n), dtype=bool)
    away = lines / 4 - lines[:, n // 2, None] / 4
    sampled = _sampled(lines)
    for turn in range(GUESSES):
        guess = sampled[:, turn] if turn < sampled.shape[1] else _guess(least, most, below, above)
        counts = _slopes_below(away, guess)
        smaller, larger = counts > high, counts <= low
        rises = (guess > least) & (larger.sum(axis=1) >= n - first)
        falls = (guess < most) & (smaller.sum(axis=1) > last)
        least[rises], below[rises] = guess[rises], smaller[rises]
        most[falls], above[falls] = guess[falls], larger[falls]
    return below, above


def _sampled(lines: Lines) -> Lines:
    """The two in the middle of some median slopes of each line, which are spread over the ranks."""
    width, n = lines.shape
    ranks = (torch.arange(SAMPLED) * 2 + 1) * n // (2 * SAMPLED)
    line = torch.arange(width).repeat_interleave(SAMPLED)
    found = _medians(torch.from_numpy(lines), line, ranks.repeat(width)).view(width, SAMPLED)
    middle: Lines = np.sort(found.numpy(), axis=1)[:, SAMPLED // 2 - 1 : SAMPLED // 2 + 1]
    return middle.clip(max=np.finfo(np.float64).max / n)


def _guess(least: Lines, most: Lines, below: Flags, above: Flags) -> Lines:
    """A slope between these two, just beyond the median asked for, on the side where more medians are open."""
    n = below.shape[1]
    first, behind = below.sum(axis=1), n - above.sum(axis=1)
    beyond = np.maximum(1, NEAR * (behind - first))
    aim = np.where((n - 1) // 2 - first > behind - 1 - n // 2, n / 2 - beyond, n / 2 + beyond)
    share = np.clip((aim - first) / (behind - first), 0.05, 0.95)
    bounded = np.isfinite(most)
    return np.where(bounded, least + share * (np.where(bounded, most, 0) - least), least * 1.1)


def _slopes_below(away: Lines, guess: Lines) -> NDArray[np.unsignedinteger]:
    """For each rank of each line [w, n], how many slopes from there are below the line's guess; equal ones may count.

    A guess is one for lines four times as high.
    """
    width, n = away.shape
    small = np.min_scalar_type(n)
    order = (away - (guess / 4)[:, None] * np.arange(n)).argsort(axis=1)
    places = np.empty((width, n), dtype=small)
    np.put_along_axis(places, order, np.arange(n, dtype=small)[None], axis=1)
    places = np.ascontiguousarray(places.T)
    counts, turned = np.zeros((n, width), dtype=small), np.empty((n, width), dtype=bool)
    for distance in range(1, n):
        pairs = n - distance
        out = np.less(places[distance:], places[:pairs], out=turned[:pairs])
        counts[:pairs] += out
        counts[distance:] += out
    return counts.T


def ascending(values: Tensor) -> Tensor:
    """The values in ascending order along the last dimension."""
    # NumPy sorts short lines with vector instructions, which torch does not.
    return values.sort(dim=-1).values if values.is_cuda else torch.from_numpy(np.sort(values.numpy(), axis=-1))


def median(ordered: Tensor) -> Tensor:
    """The median along the last dimension of what is in ascending order there."""
    n = ordered.shape[-1]
    return ordered[..., (n - 1) // 2] / 2 + ordered[..., n // 2] / 2
