"""Breast Cancer Wisconsin (Diagnostic), which comes with scikit-learn."""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from fedprop.data.base import Examples
from fedprop.data.subsampled import Subsampled
from fedprop.rng import generator

TRAIN = 455


class BreastCancer(Subsampled):
    """569 tumours, 30 measured features each, malignant (0) or benign (1).

    As in Fang et al. 2020, section 4.1: 455 examples drawn at random train, the other 114 test. Each feature is
    standardised with the mean and standard deviation of those 455, which the paper does not mention but without which
    features that differ a thousandfold in size would decide everything.

    Source: Street, Wolberg and Mangasarian, "Nuclear Feature Extraction for Breast Tumor Diagnosis", 1993; Fang et al.
    2020.
    """

    kind: Literal["breast_cancer"] = "breast_cancer"
    classes: ClassVar[int] = 2

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        # scikit-learn takes a second to import, so only those who load its data pay for it.
        from sklearn.datasets import load_breast_cancer

        features, labels = load_breast_cancer(return_X_y=True)
        order = torch.randperm(len(labels), generator=generator(seed, "breast cancer split")).numpy()
        train, test = order[:TRAIN], order[TRAIN:]
        scaled = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
        x, y = torch.from_numpy(scaled.astype(np.float32)), torch.from_numpy(labels.astype(np.int64))
        return Examples(x[train], y[train]), Examples(x[test], y[test])
