"""The named arrays in which models travel through Flower, as one flat vector and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from fedprop.errors import InvalidConfig
from fedprop.messages import Reason
from fedprop.types import Vector

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
"""A model: its arrays by name, in order, as a `state_dict` has them."""


@dataclass(frozen=True)
class ArrayLayout:
    """Names, shapes and dtypes of a model's arrays; whole numbers travel as floats and are rounded on the way back.

    >>> layout = ArrayLayout.of({"w": np.ones((2, 2), dtype=np.float32), "steps": np.array(3)})
    >>> layout.flatten({"w": np.zeros((2, 2), dtype=np.float32), "steps": np.array(4)}).tolist()
    [0.0, 0.0, 0.0, 0.0, 4.0]
    """

    entries: tuple[tuple[str, tuple[int, ...], np.dtype[Any]], ...]

    @classmethod
    def of(cls, arrays: Arrays) -> "ArrayLayout":
        """The layout of these arrays.

        Raises
        ------
        InvalidConfig
            If there are none, or one holds no real numbers.
        """
        if sum(array.size for array in arrays.values()) == 0:
            raise InvalidConfig("a model must have arrays with numbers in them; found none")
        for name, array in arrays.items():
            if array.dtype.kind not in "fiub":
                raise InvalidConfig(f"the array {name!r} must hold real numbers; found {array.dtype}")
        return cls(tuple((name, array.shape, array.dtype) for name, array in arrays.items()))

    @property
    def dtype(self) -> torch.dtype:
        """float64 if one of the arrays is that or wider, and else float32."""
        wide = any(dtype.kind == "f" and dtype.itemsize >= 8 for _, _, dtype in self.entries)
        return torch.float64 if wide else torch.float32

    def refusal(self, arrays: Arrays) -> Reason | None:
        """Why these arrays cannot be a model of this layout; None if they can."""
        if set(arrays) != {name for name, _, _ in self.entries}:
            return Reason.MALFORMED
        for name, shape, dtype in self.entries:
            if arrays[name].shape != shape:
                return Reason.WRONG_SHAPE
            if arrays[name].dtype != dtype:
                return Reason.WRONG_DTYPE
        finite = all(np.isfinite(array).all() for array in arrays.values())
        return None if finite else Reason.NOT_FINITE

    def flatten(self, arrays: Arrays) -> Vector:
        """The arrays, which must fit, as one vector [d]."""
        parts = [torch.from_numpy(np.array(arrays[name])).reshape(-1).to(self.dtype) for name, _, _ in self.entries]
        return torch.cat(parts)

    def arrays(self, vector: Vector) -> dict[str, NDArray[Any]]:
        """The inverse of `flatten`."""
        sizes = [int(np.prod(shape)) for _, shape, _ in self.entries]
        parts = vector.detach().cpu().numpy()
        cuts = np.split(parts, np.cumsum(sizes)[:-1])
        return {
            name: _as(cut, dtype).reshape(shape) for (name, shape, dtype), cut in zip(self.entries, cuts, strict=True)
        }


def _as(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return values.astype(dtype)
    # The largest whole number of 64 bits is no float, and the next one would turn its sign.
    exact = int(2 / np.finfo(values.dtype).eps)
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.clip(np.rint(values.astype(np.float64)), max(-exact, least), min(exact, most)).astype(dtype)
