"""Examples that show the most of a model."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

COMMON = 4
"""How many of the commonest integers are set aside; padding, unknown words and stops are among the first four."""

LOOKED_AT = 1000
"""Most examples in which integers are counted; the commonest ones hardly change with more."""


def telling_rows(module: nn.Module, x: Tensor, count: int) -> Tensor:
    """Up to `count` rows of inputs x [n, ...], int64: those with extreme and with special values first, others between.

    Special are integers that the module pads with, and the commonest ones.
    """
    flat = x.flatten(1)
    spread = torch.linspace(0, len(x) - 1, min(count, len(x)), dtype=torch.float64).long().tolist()
    rows = dict.fromkeys([*_extreme(flat), *_special(module, flat), *spread, *range(min(2 * count, len(x)))])
    return torch.tensor([*rows][:count], device=x.device)


def _extreme(flat: Tensor) -> list[int]:
    if not flat.shape[1]:
        return []
    smallest, largest = flat.aminmax(dim=1)
    return [int(smallest.argmin()), int(largest.argmax())]


def _special(module: nn.Module, flat: Tensor) -> Iterator[int]:
    """A row with each special value that occurs."""
    if flat.is_floating_point():
        return
    values, counts = np.unique(flat[:LOOKED_AT].cpu().numpy(), return_counts=True)
    padding = [part.padding_idx for part in module.modules() if isinstance(getattr(part, "padding_idx", None), int)]
    for value in dict.fromkeys([*padding, *values[np.argsort(-counts, kind="stable")[:COMMON]].tolist()]):
        holds = (flat == value).any(dim=1)
        if bool(holds.any()):
            yield int(holds.int().argmax())
