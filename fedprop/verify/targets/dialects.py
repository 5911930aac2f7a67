"""The forms in which a callable may want the rows of clients and give its answer; rules are written for all of these.

A state dict or a list of parameters holds one row in two parts, a weight matrix and a bias, as long as it has two
numbers. Whatever the form, what a callable is handed are views of the rows, so that writing to it writes to them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedprop.types import Updates, Vector


@dataclass(frozen=True)
class Dialect:
    """One form.

    Attributes
    ----------
    name : how people call what the callable is handed.
    put : rows [n, d] in this form.
    take : an answer in this form as a vector; None if it is in another form.
    """

    name: str
    put: Callable[[Updates], Any]
    take: Callable[[Any], Vector | None]


def _tensor(found: Any) -> Vector | None:
    return found.detach() if isinstance(found, Tensor) else None


def _array(found: Any) -> Vector | None:
    return torch.as_tensor(found) if isinstance(found, np.ndarray | np.generic) else None


def _numbers(found: Any) -> Vector | None:
    """A list of numbers, which have no dtype of their own."""
    single = isinstance(found, list | tuple) and all(isinstance(v, float | int) for v in found)
    return torch.tensor(found, dtype=torch.float64) if single else None


def _parts(row: Vector) -> list[Vector]:
    """Two parameters that hold the numbers of one row; one, if it has a single number."""
    split = (len(row) + 1) // 2
    return [row[:split].reshape(1, -1), *([row[split:]] if split < len(row) else [])]


def _state(row: Vector) -> dict[str, Vector]:
    return dict(zip(("layer.weight", "layer.bias"), _parts(row), strict=False))


def _whole(parts: Sequence[Any]) -> Vector | None:
    """The vector that tensors, or arrays, hold together; one alone stays a view."""
    single = [_array(part) if _tensor(part) is None else _tensor(part) for part in parts]
    flat = [part.flatten() for part in single if part is not None]
    if not flat or len(flat) < len(parts):
        return None
    return flat[0] if len(flat) == 1 else torch.cat(flat)


def _of_state(found: Any) -> Vector | None:
    return _whole(list(found.values())) if isinstance(found, Mapping) else None


def _of_list(found: Any) -> Vector | None:
    return _whole(found) if isinstance(found, list | tuple) else None


def _arrays(rows: Updates) -> list[Any]:
    return list(rows.detach().cpu().numpy())


DIALECTS = (
    Dialect("a tensor [n, d]", lambda rows: rows, _tensor),
    Dialect("an array [n, d]", lambda rows: rows.detach().cpu().numpy(), _array),
    Dialect("a list of tensors", lambda rows: [rows[i] for i in range(len(rows))], _tensor),
    Dialect("a list of arrays", _arrays, _array),
    Dialect("a list of state dicts", lambda rows: [_state(row) for row in rows], _of_state),
    Dialect("a list of parameter lists", lambda rows: [_parts(row) for row in rows], _of_list),
    Dialect("a list of lists of arrays", lambda rows: [_parts(row) for row in _arrays(rows)], _of_list),
    Dialect("a list of lists of numbers", lambda rows: rows.tolist(), _numbers),
)
"""Every form, tried in this order; the first that a callable answers in kind is the one that it is asked in."""


def in_any(found: Any) -> Vector | None:
    """An answer of whatever form as a vector; None if it is none."""
    return next((vector for dialect in DIALECTS if (vector := dialect.take(found)) is not None), None)
