"""What the columns of a table hold, as tensors, or a sentence that says why not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedprop.data import arrays
from fedprop.data.tables import library, named
from fedprop.errors import InvalidConfig


def texts(table: Any, column: str, setting: str) -> list[str]:
    """A column of texts.

    Raises
    ------
    InvalidConfig
        If there is no such column, or it holds something else.
    """
    found = _listed(table, column, setting)
    if odd := [value for value in found if not isinstance(value, str)]:
        raise InvalidConfig(f"`{setting}` must name a column of texts; found {odd[0]!r} in {column!r}")
    return found


def inputs(table: Any, names: Sequence[str], setting: str) -> Tensor:
    """Columns as the inputs of a model [n, ...]: numbers side by side, or lists or pictures of one size.

    Raises
    ------
    InvalidConfig
        If there is no such column, or they are no inputs of one size.
    """
    parts = [_array(table, name, setting) for name in names]
    if len(parts) > 1 and any(part.ndim > 1 for part in parts):
        raise InvalidConfig(f"`{setting}` must name one column, or columns of numbers; found lists in {[*names]}")
    x = arrays.inputs(setting, np.stack(parts, axis=1) if parts[0].ndim == 1 else parts[0])
    if not isinstance(table.features[names[0]], library().Image):
        return x
    # Pictures have their channels last, if they have any, and torch has them first.
    return (x[:, None] if x.ndim == 3 else x.movedim(-1, 1)) / 255


def labels(tables: tuple[Any, Any], column: str, setting: str) -> tuple[list[Tensor], int]:
    """Labels of two tables, and how many classes, or numbers in an answer, there are.

    Names are numbered in their order; whole numbers stay what they are; lists and fractions are vectors of numbers.

    Raises
    ------
    InvalidConfig
        If there is no such column, or it holds something else.
    """
    if all(isinstance(value, str) for table in tables for value in _listed(table, column, setting)):
        y = numbered(tables, column, setting)
        return y, 1 + max(int(part.max()) for part in y)
    found = [_array(table, column, setting) for table in tables]
    if found[0].ndim > 1 or any(part.dtype.kind == "f" for part in found):
        vectors = [torch.from_numpy(part.astype(np.float32).reshape(len(part), -1)) for part in found]
        return vectors, vectors[0].shape[1]
    whole = [arrays.labels(setting, part) for part in found]
    classes = getattr(tables[0].features[column], "num_classes", None)
    return whole, arrays.count_classes(classes, *whole)


def numbered(tables: tuple[Any, Any], column: str, setting: str) -> list[Tensor]:
    """The names, or numbers, in a column of two tables, counted from 0 in their order.

    Raises
    ------
    InvalidConfig
        If there is no such column, or what it holds has no order.
    """
    told = [_listed(table, column, setting) for table in tables]
    try:
        place: Mapping[Any, int] = {name: i for i, name in enumerate(sorted({name for part in told for name in part}))}
    except TypeError:
        raise InvalidConfig(f"`{setting}` must name a column of names, or of whole numbers; found {column!r}") from None
    return [torch.tensor([place[name] for name in part], dtype=torch.int64) for part in told]


def _listed(table: Any, column: str, setting: str) -> list[Any]:
    named(table.features, column, f"`{setting}` must name a column")
    return [*table.select_columns([column])[:][column]]


def _array(table: Any, column: str, setting: str) -> np.ndarray[Any, Any]:
    found = _listed(table, column, setting)
    try:
        array = np.asarray([np.asarray(value) for value in found])
    except ValueError:  # of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise InvalidConfig(f"`{setting}` must name a column of numbers, or of lists of one length; found {column!r}")
    return array
