"""A few of the inputs that attacks want misclassified, in a form that a run's folder keeps for its report."""

from typing import Any

import torch
from torch import Tensor

from fedprop.data import Examples
from fedprop.simulation.setup import Setup

SHOWN = 4
"""Inputs kept of each attack; as many fit side by side on a page."""

LARGEST = 3 * 64 * 64
"""Numbers in an input that is kept, at most: eight inputs of that size make about a megabyte of text."""


def specimens(setup: Setup) -> dict[str, Any]:
    """By the place of an attack: pictures that it aims at, what it wants them called, and what they are made of.

    The latter are the test inputs that differ from them in the fewest entries, each with its label. Of what is no
    picture nothing is kept.
    """
    found = {str(place): _of(aims, setup.dataset.test) for place, aims in setup.aims.items() if _pictures(aims.x)}
    return {place: {"attack": setup.attacks[int(place)][0].kind, **told} for place, told in found.items()}


def _pictures(x: Tensor) -> bool:
    return x.ndim == 4 and x.shape[1] in (1, 3) and x[0].numel() <= LARGEST


def _of(aims: Examples, test: Examples) -> dict[str, Any]:
    chosen = torch.linspace(0, len(aims) - 1, min(SHOWN, len(aims))).long()
    inputs = aims.x[chosen.to(aims.x.device)]
    nearest = torch.stack([(test.x != one).flatten(1).sum(dim=1).argmin() for one in inputs])
    return {
        "inputs": _plain(inputs),
        "wanted": aims.y[chosen.to(aims.y.device)].tolist(),
        "before": _plain(test.x[nearest]),
        "labels": test.y[nearest].tolist(),
    }


def _plain(x: Tensor) -> list[Any]:
    """Numbers to three decimals, of which a picture shows no more."""
    rounded: list[Any] = x.double().round(decimals=3).tolist()
    return rounded
