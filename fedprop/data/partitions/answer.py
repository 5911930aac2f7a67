"""What a partition answered, checked once for all of them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fedprop.answers import described
from fedprop.errors import InvalidConfig

NOBODY = -1
"""The owner of an example that no client gets."""


def parts_of(name: str, owners: Any, examples: int, clients: int) -> list[Tensor]:
    """The indices of each client's examples, in increasing order, from the owner of each example.

    Raises
    ------
    InvalidConfig
        If `owners` is no int64 tensor [n] of clients, counted from 0, or a client owns nothing.
    """
    if not isinstance(owners, Tensor) or owners.dtype != torch.int64 or owners.shape != (examples,):
        raise InvalidConfig(
            f"`partition`: the owners of {name} must be int64 of shape [{examples}]; found {described(owners)}"
        )
    lowest, highest = int(owners.min()), int(owners.max())
    if lowest < NOBODY or highest >= clients:
        raise InvalidConfig(
            f"`partition`: the owners of {name} must lie in 0 ... {clients - 1}, or be {NOBODY} for nobody; "
            f"found {lowest} ... {highest}"
        )
    counts = torch.bincount(owners - NOBODY, minlength=clients + 1)
    _refuse_empty(name, counts[1:])
    return list(torch.split(owners.argsort(stable=True), counts.tolist())[1:])


def checked_parts(name: str, parts: Any, examples: int, clients: int) -> list[Tensor]:
    """The parts themselves: the indices of each client's examples, of which no two hold the same.

    Raises
    ------
    InvalidConfig
        If they are anything else, or one of them is empty.
    """
    _check_sort(name, parts, clients)
    indices = torch.cat([part.cpu() for part in parts])
    _refuse_empty(name, torch.tensor([len(part) for part in parts]))
    lowest, highest = int(indices.min()), int(indices.max())
    if lowest < 0 or highest >= examples:
        raise InvalidConfig(
            f"`partition`: the parts of {name} must index examples 0 ... {examples - 1}; found {lowest} ... {highest}"
        )
    held = torch.bincount(indices, minlength=examples)
    if int(held.max()) > 1:
        raise InvalidConfig(
            f"`partition`: the parts of {name} must hold no example twice; found example {int(held.argmax())} "
            f"{int(held.max())} times"
        )
    return list(parts)


def _check_sort(name: str, parts: Any, clients: int) -> None:
    if not isinstance(parts, Sequence) or isinstance(parts, str) or len(parts) != clients:
        found = f"{len(parts)} parts" if isinstance(parts, list | tuple) else described(parts)
        raise InvalidConfig(
            f"`partition`: {name} must answer with one part for each of the {clients} clients; found {found}"
        )
    for client, part in enumerate(parts):
        if not isinstance(part, Tensor) or part.dtype != torch.int64 or part.ndim != 1:
            raise InvalidConfig(
                f"`partition`: the parts of {name} must be int64 tensors of shape [k]; "
                f"found {described(part)} for client {client}"
            )


def _refuse_empty(name: str, counts: Tensor) -> None:
    empty = (counts == 0).nonzero().flatten().tolist()
    if empty:
        raise InvalidConfig(
            f"`partition`: {name} must give every client an example; found none for {len(empty)} of {len(counts)} "
            f"clients, such as client {empty[0]}"
        )
