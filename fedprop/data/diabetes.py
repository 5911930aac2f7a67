"""The diabetes study that comes with scikit-learn."""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from fedprop.data.base import Examples
from fedprop.data.subsampled import Subsampled
from fedprop.rng import generator

TRAIN = 354


class Diabetes(Subsampled):
    """442 patients, 10 measurements each, and how far their disease is a year later.

    For `task: regression`. 354 patients drawn at random train, the other 88 test. Measurements and answers are
    standardised with the means and standard deviations of those 354, so that a model that tells the mean is 1 wrong in
    the mean of squares.

    Source: Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression", Annals of Statistics 2004.
    """

    kind: Literal["diabetes"] = "diabetes"
    classes: ClassVar[int] = 1

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        # scikit-learn takes a second to import, so only those who load its data pay for it.
        from sklearn.datasets import load_diabetes

        measured, answers = load_diabetes(return_X_y=True, scaled=False)
        table = np.column_stack([measured, answers])
        order = torch.randperm(len(table), generator=generator(seed, "diabetes split")).numpy()
        train = table[order[:TRAIN]]
        scaled = torch.from_numpy(((table[order] - train.mean(axis=0)) / train.std(axis=0)).astype(np.float32))
        rows = Examples(scaled[:, :-1].contiguous(), scaled[:, -1:].contiguous())
        return rows.at(torch.arange(TRAIN)), rows.at(torch.arange(TRAIN, len(table)))
