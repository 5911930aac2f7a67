"""Passes over a wide matrix in blocks of columns, so that float64 copies stay small."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from jaxtyping import Float
from torch import Tensor

from fedprop.types import Updates

BLOCK_ELEMENTS = 1 << 22
"""Entries per block: 32 MiB in float64."""


_elements: ContextVar[int | None] = ContextVar("elements", default=None)


@contextmanager
def blocks_of(elements: int) -> Iterator[None]:
    """Passes made inside take blocks of so many entries, and at least one column, instead."""
    token = _elements.set(elements)
    try:
        yield
    finally:
        _elements.reset(token)


def column_blocks(updates: Updates) -> Iterator[Tensor]:
    """Views of `updates` [n, d] that cover its columns in order; each has at most `BLOCK_ELEMENTS` entries."""
    elements = BLOCK_ELEMENTS if (chosen := _elements.get()) is None else chosen
    return iter(torch.split(updates, max(1, elements // len(updates)), dim=1))


def mix(weights: Float[Tensor, "k n"], updates: Updates) -> Float[Tensor, "k d"]:
    """`weights` [k, n] @ `updates` [n, d], summed in float64, in the dtype of `updates`.

    Rows without weight are left out rather than multiplied by zero: a row of weights that is one for a single row
    gives that row back bit for bit, and a rule that keeps few rows reads few.
    """
    used = (weights != 0).any(dim=0).nonzero().flatten()
    weights = weights[:, used].double()
    if len(used) == 1:
        return (weights * updates[used]).to(updates.dtype)
    every = len(used) == len(updates)
    blocks = (block if every else block[used] for block in column_blocks(updates))
    return torch.cat([(weights @ block.double()).to(updates.dtype) for block in blocks], dim=1)
