"""CIFAR-10, read from its binary batches."""

from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from fedprop.data.base import Examples
from fedprop.data.folder import dataset_folder, read_file
from fedprop.data.subsampled import Subsampled

FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = "test_batch.bin"
SIDE = 32
SHAPE = (3, SIDE, SIDE)
RECORD = 1 + 3 * SIDE * SIDE
"""Bytes of one example: its label, then the red, green and blue planes."""


class CIFAR10(Subsampled):
    """Small colour photographs of ten classes: 50000 training and 10000 test examples.

    Read from the binary version's files in `<data_dir>/cifar10/cifar-10-batches-bin`. Inputs have shape (3, side, side)
    and lie in [0, 1]; means are not subtracted, so that all picture sets share one range and a pixel that an attack or
    a watermark sets means the same in each.

    Attributes
    ----------
    side : pixels from left to right and from top to bottom; where fewer than 32 each is the mean of a square of them.
        Half a side makes a convolutional network's round four times as cheap.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """

    kind: Literal["cifar10"] = "cifar10"
    side: Literal[32, 16, 8] = 32
    classes: ClassVar[int] = 10

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(side=16))

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        folder = dataset_folder(self.kind, data_dir, f"{FOLDER}/{TRAIN[0]}") / FOLDER
        parts = [read_file(self.kind, folder, name, _records) for name in TRAIN]
        train = Examples(self._seen(torch.cat([x for x, _ in parts])), torch.cat([y for _, y in parts]))
        x, y = read_file(self.kind, folder, TEST, _records)
        return train, Examples(self._seen(x), y)

    def _seen(self, x: Tensor) -> Tensor:
        """Pictures of that side, uint8 as they are read."""
        return x if self.side == SIDE else avg_pool2d(x.float(), SIDE // self.side).round().to(torch.uint8)


def _records(raw: bytes) -> tuple[Tensor, Tensor]:
    if not raw or len(raw) % RECORD:
        raise ValueError(f"a multiple of {RECORD} bytes expected, found {len(raw)}")
    records = torch.from_numpy(np.frombuffer(raw, np.uint8).reshape(-1, RECORD).copy())
    y = records[:, 0].long()
    if int(y.max()) > 9:
        raise ValueError(f"labels 0 ... 9 expected, found {int(y.max())}")
    return records[:, 1:].reshape(-1, *SHAPE), y
