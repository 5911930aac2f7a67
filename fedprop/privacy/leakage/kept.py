"""Reconstructions and originals as plain numbers, for a record, and back."""

from typing import NamedTuple

import torch
from torch import Tensor

from fedprop.privacy.leakage.judging import Bounds, Judged
from fedprop.privacy.probe import Finding

DIGITS = 3
"""Decimals of what is kept: no eye, and no screen, tells more."""


class Pair(NamedTuple):
    """A reconstruction beside its original, both [...] and between 0 and 1, and its peak signal-to-noise ratio."""

    original: Tensor
    reconstruction: Tensor
    psnr: float


def kept_of(judged: Judged, most: int, bounds: Bounds) -> dict[str, float | tuple[float, ...]]:
    """The entries of a finding that hold so many pairs at most, those of the highest ratio first."""
    ratios = torch.tensor(judged.psnr)
    best = ratios.argsort(descending=True, stable=True)[:most]

    def numbers(inputs: Tensor) -> tuple[float, ...]:
        scaled = (inputs[best.to(inputs.device)] - bounds.low) / bounds.width
        return tuple(round(value, DIGITS) for value in scaled.flatten().tolist())

    return {
        "shape": tuple(map(float, judged.originals.shape[1:])),
        "psnrs": tuple(round(value, DIGITS) for value in ratios[best].tolist()),
        "original": numbers(judged.originals),
        "reconstruction": numbers(judged.reconstructions),
    }


def pairs_of(finding: Finding) -> list[Pair]:
    """The pairs that a finding holds; none if it is of another sort."""
    found = finding.result
    told = [found.get(name) for name in ("shape", "psnrs", "original", "reconstruction")]
    lists = [entry for entry in told if isinstance(entry, tuple | list)]
    if len(lists) < len(told) or not lists[1]:
        return []
    shape, psnrs, *inputs = lists
    originals, reconstructions = (torch.tensor(values).reshape(len(psnrs), *map(int, shape)) for values in inputs)
    return [Pair(*pair) for pair in zip(originals, reconstructions, psnrs, strict=True)]
