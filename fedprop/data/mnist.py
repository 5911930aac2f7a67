"""MNIST and Fashion-MNIST, read from their IDX files."""

from pathlib import Path
from typing import ClassVar, Literal

from torch import Tensor

from fedprop.data.base import Examples
from fedprop.data.folder import dataset_folder, read_file, unavailable
from fedprop.data.idx import IMAGES, LABELS, parse_idx
from fedprop.data.subsampled import Subsampled


class IdxImages(Subsampled):
    """Grey 28x28 pictures of ten classes in four IDX files, plain or gzipped, in the folder `<data_dir>/<kind>`.

    Inputs have shape (1, 28, 28) and lie in [0, 1]. The files decide how many examples there are, so an extract in the
    same format will do.
    """

    classes: ClassVar[int] = 10

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        folder = dataset_folder(self.kind, data_dir, "train-images-idx3-ubyte")
        return self._part(folder, "train"), self._part(folder, "t10k")

    def _part(self, folder: Path, prefix: str) -> Examples:
        label_file = f"{prefix}-labels-idx1-ubyte"
        x = read_file(self.kind, folder, f"{prefix}-images-idx3-ubyte", parse_images)
        y = read_file(self.kind, folder, label_file, _labels)
        if len(x) != len(y):
            raise unavailable(self.kind, label_file, folder, f"{len(y)} labels for {len(x)} images")
        return Examples(x, y)


class MNIST(IdxImages):
    """Handwritten digits: 60000 training and 10000 test examples.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings of
    the IEEE, 1998.
    """

    kind: Literal["mnist"] = "mnist"


class FashionMNIST(IdxImages):
    """Pictures of clothes: 60000 training and 10000 test examples.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", 2017.
    """

    kind: Literal["fashion_mnist"] = "fashion_mnist"


def parse_images(raw: bytes) -> Tensor:
    """Grey pictures of 28x28, uint8 [n, 1, 28, 28]."""
    x = parse_idx(raw, IMAGES)
    if len(x) == 0 or x.shape[1:] != (28, 28):
        raise ValueError(f"images of shape [28, 28] expected, found {list(x.shape)}")
    return x.unsqueeze(1)


def _labels(raw: bytes) -> Tensor:
    y = parse_idx(raw, LABELS).long()
    if len(y) and int(y.max()) > 9:
        raise ValueError(f"labels 0 ... 9 expected, found {int(y.max())}")
    return y
