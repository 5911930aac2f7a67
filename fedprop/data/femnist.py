"""FEMNIST, read from the JSON files of LEAF."""

from pathlib import Path
from typing import ClassVar, Literal

import torch

from fedprop.data.base import Examples
from fedprop.data.folder import dataset_folder
from fedprop.data.leaf import Owned, read_leaf
from fedprop.data.subsampled import Subsampled
from fedprop.errors import DataUnavailable


class FEMNIST(Subsampled):
    """Handwritten digits and letters by writer, 28x28, in 62 classes: 3550 writers.

    Read from all files `<data_dir>/femnist/{train,test}/*.json`, as LEAF's `preprocess.sh` writes them. Inputs have
    shape (1, 28, 28) and lie in [0, 1]; as there, paper is 1 and ink 0. `users` are the writers, numbered by name.

    Source: Caldas et al., "LEAF: A Benchmark for Federated Settings", 2018.
    """

    kind: Literal["femnist"] = "femnist"
    classes: ClassVar[int] = 62

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        folder = dataset_folder(self.kind, data_dir, "train/<any>.json")
        return self._part(folder, "train"), self._part(folder, "test")

    def _part(self, folder: Path, part: str) -> Examples:
        owned = read_leaf(self.kind, folder, part)
        try:
            return _examples(owned, self.classes)
        except (ValueError, TypeError, RuntimeError) as error:
            raise DataUnavailable(f"{self.kind} needs pictures of 28x28 in {folder / part}; found {error}") from None


def _examples(owned: dict[str, Owned], classes: int) -> Examples:
    writers = sorted(name for name, own in owned.items() if own.y)
    x = torch.cat([torch.tensor(owned[name].x, dtype=torch.float32).view(-1, 1, 28, 28) for name in writers])
    y = torch.cat([torch.tensor(owned[name].y) for name in writers])
    counts = torch.tensor([len(owned[name].y) for name in writers])
    if len(x) != len(y) or int(y.min()) < 0 or int(y.max()) >= classes:
        raise ValueError(f"{len(x)} pictures with {len(y)} labels, {int(y.min())} ... {int(y.max())}")
    return Examples(x, y, torch.arange(len(writers)).repeat_interleave(counts))
