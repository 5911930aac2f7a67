"""Rows on disk, in safetensors files that need not fit into memory."""

import json
from collections.abc import Iterable, Mapping
from copy import copy
from math import prod
from pathlib import Path
from typing import NamedTuple

import safetensors
import torch
from torch import Tensor

from fedprop.aggregators.columns import Columns
from fedprop.errors import InvalidUpdates
from fedprop.failures import in_words
from fedprop.types import Vector

DTYPES: Mapping[str, torch.dtype] = {"F32": torch.float32, "F64": torch.float64}
"""What rules can aggregate, as safetensors spells it."""


class _Stored(NamedTuple):
    """A tensor of a file, and the byte at which it starts."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int


class _Row(NamedTuple):
    """Where a row lies."""

    path: Path
    start: int


class SafetensorsRows(Columns):
    """Rows [n, d] in safetensors files, of which only the columns asked for are read.

    Each file is one row: a model or an update, its tensors flattened one after the other in the order in which they lie
    in the file. With `name`, only the tensor of that name counts, of shape [d] for one row or [k, d] for k rows. Files
    are read rather than mapped, so that memory does not fill with what has been seen. Every registered rule takes such
    rows, with any registered stages before it, and needs memory for its answer and a few blocks only.

    Raises
    ------
    InvalidUpdates
        If a file cannot be read, lacks the tensor, holds anything but float32 or float64, or has other tensors than the
        first file. `read` raises it if a row holds NaN or infinity.
    """

    def __init__(self, paths: Iterable[str | Path], *, name: str | None = None) -> None:
        files = [(path, _stored(path, name)) for path in map(Path, paths)]
        if not files:
            raise InvalidUpdates("`paths` must name at least one file; found none")
        self._layout = _layout(*files[0], name)
        for path, tensors in files[1:]:
            if _layout(path, tensors, name) != self._layout:
                raise InvalidUpdates(f"{path} must hold the same tensors as {files[0][0]}, in the same order")
        self.dtype, self.device = DTYPES[self._layout[0][1]], torch.device("cpu")
        d = sum(prod(shape) for _, _, shape in self._layout)
        self._rows = [row for path, tensors in files for row in self._rows_in(path, tensors, d)]
        self.shape = torch.Size((len(self._rows), d))

    def _rows_in(self, path: Path, tensors: list[_Stored], d: int) -> list[_Row]:
        held = sum(prod(tensor.shape) for tensor in tensors)
        return [_Row(path, tensors[0].start + i * self.dtype.itemsize) for i in range(0, held, d)]

    def read(self, start: int, stop: int) -> Tensor:
        block = torch.empty(len(self), stop - start, dtype=self.dtype)
        for row, line in zip(self._rows, block, strict=True):
            self._read_row(row, start, line)
        return block

    def _read_row(self, row: _Row, start: int, line: Tensor) -> None:
        with row.path.open("rb", buffering=0) as file:
            file.seek(row.start + start * self.dtype.itemsize)
            if file.readinto(line.numpy().data) != line.nbytes:
                raise InvalidUpdates(f"{row.path} must not change while it is read; it ended early")
        if not torch.isfinite(line.sum()) and not torch.isfinite(line).all():
            raise InvalidUpdates(f"`updates` must be finite; found NaN or infinity in {row.path}")

    def take(self, rows: Tensor) -> "SafetensorsRows":
        taken = copy(self)
        taken._rows = [self._rows[i] for i in rows.tolist()]
        taken.shape = torch.Size((len(rows), self.shape[1]))
        return taken

    def tensors(self, vector: Vector) -> dict[str, Tensor]:
        """A vector [d], such as an aggregate of the rows, as named tensors like those of one file; views of it."""
        parts = torch.split(vector, [prod(shape) for _, _, shape in self._layout])
        return {name: part.view(shape) for part, (name, _, shape) in zip(parts, self._layout, strict=True)}


def _stored(path: Path, name: str | None) -> list[_Stored]:
    """The tensors of a file that count, in the order in which they lie."""
    try:
        with safetensors.safe_open(path, framework="pt"), path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
    except (OSError, safetensors.SafetensorError) as error:
        raise InvalidUpdates(f"{path} must be a safetensors file; {in_words(error)}") from None
    tensors = [
        _Stored(key, entry["dtype"], tuple(entry["shape"]), 8 + size + entry["data_offsets"][0])
        for key, entry in header.items()
        if key != "__metadata__" and name in (None, key)
    ]
    return sorted(tensors, key=lambda tensor: tensor.start)


def _layout(path: Path, tensors: list[_Stored], name: str | None) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, dtype and shape of each part of a row."""
    if not sum(prod(tensor.shape) for tensor in tensors):
        raise InvalidUpdates(f"{path} must hold {'numbers' if name is None else repr(name)}; found none")
    dtypes = {tensor.dtype for tensor in tensors}
    if len(dtypes) > 1 or not dtypes <= set(DTYPES):
        raise InvalidUpdates(
            f"{path} must hold float32 or float64 alone, as tensor.float() is; found {', '.join(sorted(dtypes))}"
        )
    if name is None:
        return [tensor[:3] for tensor in tensors]
    [tensor] = tensors
    if len(tensor.shape) not in (1, 2):
        raise InvalidUpdates(f"{name!r} must have shape [d] or [k, d] in {path}; found {list(tensor.shape)}")
    return [(name, tensor.dtype, tensor.shape[-1:])]
