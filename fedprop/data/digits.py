"""The small handwritten digits that come with scikit-learn: no files, and enough for a first simulation."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from fedprop.data.base import Examples
from fedprop.data.subsampled import Subsampled
from fedprop.rng import key


class Digits(Subsampled):
    """1797 grey 8x8 pictures of the ten digits.

    Inputs have shape (1, 8, 8) and lie in [0, 1]. The seed decides the split, which keeps each class's share.

    Attributes
    ----------
    test_fraction : the share of the examples held out for testing.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998; the
    test set, as scikit-learn ships it.
    """

    kind: Literal["digits"] = "digits"
    classes: ClassVar[int] = 10
    test_fraction: Annotated[float, Field(ge=0.01, le=0.99)] = 0.2

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        # scikit-learn takes a second to import, so only those who load its data pay for it.
        from sklearn.model_selection import train_test_split

        every = all_digits()
        train, test = train_test_split(
            np.arange(len(every)),
            test_size=self.test_fraction,
            stratify=every.y.numpy(),
            random_state=key(seed, "digits split") % 2**32,
        )
        return Examples(every.x[train], every.y[train]), Examples(every.x[test], every.y[test])


def all_digits() -> Examples:
    """All 1797 pictures [1797, 1, 8, 8], with entries in [0, 1], in the order in which scikit-learn has them."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(images.astype(np.float32) / 16).reshape(-1, 1, 8, 8)
    return Examples(x, torch.from_numpy(labels.astype(np.int64)))
