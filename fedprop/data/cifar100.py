"""CIFAR-100, read from its binary files."""

from functools import partial
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

from fedprop.data.base import Examples
from fedprop.data.cifar10 import SHAPE
from fedprop.data.folder import dataset_folder, read_file
from fedprop.data.subsampled import Subsampled

FOLDER = "cifar-100-binary"
RECORD = 2 + 3 * 32 * 32
"""Bytes of one example: its coarse and its fine label, then the red, green and blue planes."""

COARSE, FINE = 20, 100


class CIFAR100(Subsampled):
    """Small colour photographs of 100 classes: 50000 training and 10000 test examples.

    Read from the binary version's files `<data_dir>/cifar100/cifar-100-binary/{train,test}.bin`. The Python version
    holds the same as a pickle, which may run any code as it is read, and so is not read here. Inputs have shape
    (3, 32, 32) and lie in [0, 1].

    Attributes
    ----------
    coarse : whether the 20 groups of classes are told apart, instead of the classes.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """

    kind: Literal["cifar100"] = "cifar100"
    coarse: bool = False

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(coarse=True))

    @property
    def answers(self) -> int:
        return COARSE if self.coarse else FINE

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        folder = dataset_folder(self.kind, data_dir, f"{FOLDER}/train.bin") / FOLDER
        parse = partial(_records, column=0 if self.coarse else 1)
        train, test = (Examples(*read_file(self.kind, folder, name, parse)) for name in ("train.bin", "test.bin"))
        return train, test


def _records(raw: bytes, *, column: int) -> tuple[Tensor, Tensor]:
    """Pictures, and the labels of one of the two columns."""
    if not raw or len(raw) % RECORD:
        raise ValueError(f"a multiple of {RECORD} bytes expected, found {len(raw)}")
    records = torch.from_numpy(np.frombuffer(raw, np.uint8).reshape(-1, RECORD).copy())
    coarse, fine = int(records[:, 0].max()), int(records[:, 1].max())
    if coarse >= COARSE or fine >= FINE:
        raise ValueError(f"labels 0 ... {COARSE - 1} and 0 ... {FINE - 1} expected, found {coarse} and {fine}")
    return records[:, 2:].reshape(-1, *SHAPE), records[:, column].long()
