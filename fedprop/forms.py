"""Rows and vectors as people hold them (tensors, arrays, lists of either), and answers in the same form."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.errors import InvalidUpdates

Given: TypeAlias = Tensor | NDArray[Any] | Sequence[Tensor] | Sequence[NDArray[Any]]
"""What is taken for rows [n, d]; a list or tuple holds n vectors [d]."""

FULL, HALF = (torch.float32, torch.float64), (torch.float16, torch.bfloat16)
"""Computed in as they are, and computed in float32."""

ADVICE = {
    "c": "take real and imaginary parts for coordinates, as torch.view_as_real(rows).flatten(1) does",
    "i": "convert them, as rows.double() or rows.astype(float) does",
}
"""What to do with complex numbers, and with all others that are no floats of 16 to 64 bits."""


class Form(NamedTuple):
    """What something was before it became a tensor to compute with.

    Attributes
    ----------
    array : NumPy's, not torch's.
    half : its dtype, if it is one of `HALF`.
    """

    array: bool = False
    half: torch.dtype | None = None

    def of(self, answer: Tensor) -> Any:
        """`answer` in this form; in half precision held within the finite range, as whoever receives it expects."""
        if self.half is not None:
            largest = torch.finfo(self.half).max
            answer = answer.clamp(-largest, largest).to(self.half)
        return answer.numpy() if self.array else answer


PLAIN = Form()
"""A tensor to compute with as it is."""


def taken(given: Any, name: str, whom: str) -> tuple[Tensor, Form]:
    """A tensor in float32 or float64 to compute with, without gradients, and what form it was given in.

    A list or tuple of vectors becomes a matrix, which copies them. A tensor or an array is not copied unless it is in
    half precision, or an array in an order that tensors do not know; nobody writes to it. Whether it has the shape
    wanted is for the caller to see.

    Parameters
    ----------
    given : the rows or the vector.
    name, whom : the parameter and whose it is, for the sentence that refuses it.

    Raises
    ------
    InvalidUpdates
        If it is anything else, with a word on how to convert it.
    """
    if type(given) is Tensor and given.dtype in FULL and _is_plain(given):
        return given, PLAIN
    try:
        stacked = _stacked(given) if isinstance(given, list | tuple) else given
        tensor = _from_array(stacked) if isinstance(stacked, np.ndarray) else _plain(stacked)
        array = isinstance(stacked, np.ndarray)
        half = tensor.dtype if tensor.dtype in HALF else None
        return (tensor if half is None else tensor.float()), Form(array, half)
    except _Unfit as error:
        raise InvalidUpdates(f"`{name}` must be {error.args[0]} for {whom}; found {error.args[1]}") from None


class _Unfit(Exception):
    """What something must be, and what was found."""


def _is_plain(given: Tensor) -> bool:
    """Whether a tensor has numbers in memory that NumPy can see too, and no gradients."""
    return given.layout == torch.strided and not (given.requires_grad or given.is_neg() or given.is_meta)


def _plain(given: Any) -> Tensor:
    if not isinstance(given, Tensor):
        raise _Unfit("a tensor, a NumPy array, or a list of vectors that are either", type(given).__name__)
    if given.layout != torch.strided or given.is_quantized or given.is_meta:
        found = "meta" if given.is_meta else "quantized" if given.is_quantized else given.layout
        raise _Unfit("dense numbers (rows.to_dense() or rows.dequantize() gives them)", f"a tensor that is {found}")
    if given.dtype not in (*FULL, *HALF):
        advice = ADVICE["c" if given.is_complex() else "i"]
        raise _Unfit(f"floats of 16, 32 or 64 bits ({advice})", given.dtype)
    return given.detach().resolve_neg().as_subclass(Tensor)


def _from_array(given: NDArray[Any]) -> Tensor:
    if isinstance(given, np.ma.MaskedArray):
        raise _Unfit("an array without gaps (rows.filled(0.0) fills them)", "a masked array")
    if given.dtype.kind != "f" or given.dtype.itemsize > 8:
        advice = ADVICE["c" if given.dtype.kind == "c" else "i"]
        raise _Unfit(f"floats of 16, 32 or 64 bits ({advice})", given.dtype)
    array = np.asarray(given, dtype=given.dtype.newbyteorder("="))
    if any(stride < 0 or stride % array.itemsize for stride in array.strides):
        array = np.ascontiguousarray(array)
    with warnings.catch_warnings():
        # Of an array that must not be written to, which nobody does here.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array)


def _stacked(rows: Sequence[Any]) -> Tensor | NDArray[Any]:
    """One matrix of several vectors of one kind."""
    if not rows:
        raise _Unfit("a list of at least one row", "none")
    tensors = all(isinstance(row, Tensor) for row in rows)
    if not tensors and not all(isinstance(row, np.ndarray) for row in rows):
        kinds = sorted({type(row).__name__ for row in rows})
        raise _Unfit("a list of vectors that are all tensors or all NumPy arrays", f"a list of {', '.join(kinds[:3])}")
    shapes = list(dict.fromkeys(tuple(row.shape) for row in rows))
    if len(shapes) > 1 or len(shapes[0]) != 1:
        raise _Unfit("a list of vectors of one length", f"shapes {', '.join(str(list(s)) for s in shapes[:3])}")
    if not tensors:
        return _joined(rows)
    devices = sorted({str(row.device) for row in rows})
    if len(devices) > 1:
        raise _Unfit("a list of vectors on one device", ", ".join(devices[:3]))
    return torch.stack([_plain(row) for row in rows])


def _joined(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays as one, with what is wrong with any of them said before NumPy hides it."""
    for row in rows:
        _from_array(row)
    return np.stack(rows)
