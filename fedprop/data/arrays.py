"""From whatever people call an array to the tensors of a dataset, or a sentence that says why not."""

from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fedprop.errors import InvalidConfig

Array: TypeAlias = ArrayLike | Tensor
"""Numbers as a tensor, a NumPy array or nested lists."""

_HELD = {"U": "text", "S": "bytes", "M": "dates", "m": "durations", "V": "records"}
"""What an array without numbers holds, by the `kind` of its NumPy dtype."""

_NUMBERED = "; np.unique(y, return_inverse=True)[1] numbers the classes of text"

_REFUSED = (TypeError, ValueError, RuntimeError, OverflowError, MemoryError)
"""What NumPy and torch raise on what they cannot read as an array."""


def inputs(name: str, value: Array) -> Tensor:
    """A dense copy, [n, ...]: fractions, bytes and booleans as float32, other integers as int64.

    Raises
    ------
    InvalidConfig
        If it is not that, is empty, or holds a number that float32 does not have.
    """
    x = _tensor(name, value)
    if x.ndim < 2 or x.numel() == 0:
        raise InvalidConfig(f"`{name}` must have shape [n, ...] and not be empty; found {list(x.shape)}")
    if not (x.is_floating_point() or x.dtype in (torch.uint8, torch.bool)):
        return _integers(name, x)
    x = x.to(torch.float32)
    if not torch.isfinite(x).all():
        raise InvalidConfig(f"`{name}` must be finite in float32; found NaN, infinity, or a number beyond 3.4e38")
    return x


def labels(name: str, value: Array) -> Tensor:
    """A dense copy, int64 [n], of integers that count from 0.

    Raises
    ------
    InvalidConfig
        If it is not that, or is empty.
    """
    y = _tensor(name, value)
    if y.ndim != 1 or len(y) == 0:
        hint = "; y.argmax(axis=1) undoes a one-hot coding" if y.ndim == 2 and y.shape[1] > 1 else ""
        raise InvalidConfig(f"`{name}` must have shape [n] and not be empty; found {list(y.shape)}{hint}")
    if y.is_floating_point():
        raise InvalidConfig(f"`{name}` must hold integers; found {y.dtype}")
    y = _integers(name, y)
    if int(y.min()) < 0:
        raise InvalidConfig(f"`{name}` must count classes from 0; found {int(y.min())}")
    return y


def count_classes(classes: Any, y_train: Tensor, y_test: Tensor) -> int:
    """How many classes there are: as many as said, else the largest label plus one.

    Raises
    ------
    InvalidConfig
        If `classes` is no number of classes; where nobody says it, if a label is not below the number of examples,
        since what is that large rarely counts classes.
    """
    highest, examples = int(max(y_train.max(), y_test.max())), len(y_train) + len(y_test)
    if classes is None:
        if highest >= examples:
            raise InvalidConfig(
                f"labels must count classes from 0, and so lie below the number of examples, {examples}, unless "
                f"`classes` is given; found {highest}"
            )
        return highest + 1
    if isinstance(classes, bool) or not isinstance(classes, Integral) or not 1 <= int(classes) < 2**31:
        raise InvalidConfig(f"`classes` must be a whole number of at least 1, and below 2**31; found {classes!r}")
    return int(classes)


def _integers(name: str, value: Tensor) -> Tensor:
    whole = value.to(torch.int64)
    if value.dtype == torch.uint64 and int(whole.min()) < 0:
        raise InvalidConfig(f"`{name}` must fit into int64; found a number of at least 2**63")
    return whole


def _tensor(name: str, value: Array) -> Tensor:
    """A dense copy on the CPU of whatever holds real numbers."""
    try:
        if isinstance(value, list | tuple) and value and all(isinstance(row, Tensor) for row in value):
            value = torch.stack([row.detach() for row in value])
        copy = _dense(name, value) if isinstance(value, Tensor) else _from_array(name, value)
    except InvalidConfig:
        raise
    except _REFUSED as error:
        told = "rows of different shapes" if "inhomogeneous" in str(error) else " ".join(str(error).split())
        raise InvalidConfig(f"`{name}` must be one array of numbers; found {told}") from None
    if copy.is_complex():
        raise InvalidConfig(f"`{name}` must hold real numbers; found {copy.dtype}")
    return copy


def _dense(name: str, value: Tensor) -> Tensor:
    if value.is_nested or value.layout != torch.strided:
        raise InvalidConfig(f"`{name}` must be dense; found a nested or sparse tensor, which to_dense() may make dense")
    if value.is_quantized or value.is_meta:
        raise InvalidConfig(f"`{name}` must hold plain numbers; found a tensor of {value.dtype} on {value.device}")
    return value.detach().cpu().clone()


def _from_array(name: str, value: Any) -> Tensor:
    if hasattr(value, "toarray"):
        raise InvalidConfig(f"`{name}` must be dense; found {type(value).__name__}, which toarray() makes dense")
    if np.ma.is_masked(value):
        raise InvalidConfig(f"`{name}` must not be masked; found {int(np.ma.getmaskarray(value).sum())} masked entries")
    array = np.array(value, order="C")
    if array.dtype.kind not in "biufc":
        raise InvalidConfig(f"`{name}` must be an array of numbers; found {_instead(value, array)}")
    if array.dtype.char in "gG":  # long double, which torch does not know
        array = array.astype(np.float64 if array.dtype.char == "g" else np.complex128)
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def _instead(value: Any, array: Any) -> str:
    """What there is where numbers should be."""
    if array.ndim == 0:
        return type(value).__name__
    if array.dtype.kind == "O":
        return f"objects such as {array.flat[0]!r}, which astype may turn into numbers" if array.size else "no objects"
    return _HELD[array.dtype.kind] + (_NUMBERED if array.dtype.kind == "U" and array.ndim == 1 else "")
