"""EMNIST, read from the IDX files of NIST."""

from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor

from fedprop.data.base import Examples
from fedprop.data.folder import dataset_folder, read_file, unavailable
from fedprop.data.idx import LABELS, parse_idx
from fedprop.data.mnist import parse_images
from fedprop.data.subsampled import Subsampled

CLASSES = {"balanced": 47, "byclass": 62, "bymerge": 47, "letters": 26, "digits": 10, "mnist": 10}
"""How many classes each of the six splits has (Cohen et al. 2017, Table II)."""


class EMNIST(Subsampled):
    """Handwritten letters and digits, grey and 28x28, in one of six splits.

    Read from `<data_dir>/emnist/emnist-<split>-{train,test}-{images-idx3,labels-idx1}-ubyte`, plain or gzipped. The
    files hold each picture with its rows as columns; here it stands upright, as in MNIST. Letters are numbered from 1
    there, here from 0.

    Attributes
    ----------
    split : which of them.

    Source: Cohen, Afshar, Tapson and van Schaik, "EMNIST: an Extension of MNIST to Handwritten Letters", 2017.
    """

    kind: Literal["emnist"] = "emnist"
    split: Literal["balanced", "byclass", "bymerge", "letters", "digits", "mnist"] = "balanced"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(split="letters"))

    @property
    def answers(self) -> int:
        return CLASSES[self.split]

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        folder = dataset_folder(self.kind, data_dir, f"emnist-{self.split}-train-images-idx3-ubyte")
        return self._part(folder, "train"), self._part(folder, "test")

    def _part(self, folder: Path, part: str) -> Examples:
        prefix = f"emnist-{self.split}-{part}"
        x = read_file(self.kind, folder, f"{prefix}-images-idx3-ubyte", parse_images)
        y = read_file(self.kind, folder, f"{prefix}-labels-idx1-ubyte", self._labels)
        if len(x) != len(y):
            raise unavailable(self.kind, f"{prefix}-labels-idx1-ubyte", folder, f"{len(y)} labels for {len(x)} images")
        return Examples(x.mT.contiguous(), y)

    def _labels(self, raw: bytes) -> Tensor:
        first = 1 if self.split == "letters" else 0
        y = parse_idx(raw, LABELS).long() - first
        lowest, highest = (0, 0) if not len(y) else map(int, torch.aminmax(y))
        if lowest < 0 or highest >= self.answers:
            wanted = f"{first} ... {self.answers - 1 + first}"
            raise ValueError(f"labels {wanted} expected, found {lowest + first} ... {highest + first}")
        return y
