"""What is trained in the rounds' table, and the files that hand it to the adapters."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fedprop.data import DATASETS, Dataset
from fedprop.models import MODELS


@dataclass(frozen=True)
class Case:
    """A model and how much of it: `clients` with `examples` each make `rounds` rounds of `steps` local steps."""

    model: str
    steps: int
    rounds: int
    clients: int = 100
    examples: int = 80
    data: str = "mnist"


ON_CPU = (
    Case("logistic_regression", steps=1, rounds=10),
    Case("logistic_regression", steps=5, rounds=10),
    Case("fang_dnn", steps=1, rounds=3),
    Case("fang_dnn", steps=5, rounds=1),
)
ON_GPU = (
    Case("fang_dnn", steps=1, rounds=3),
    Case("fang_dnn", steps=5, rounds=2),
    Case("resnet20", steps=1, rounds=3, clients=20, data="cifar10"),
    Case("resnet20", steps=5, rounds=2, clients=20, data="cifar10"),
)
QUICK = (Case("logistic_regression", steps=1, rounds=2, clients=5, examples=40),)


def prepare(folder: Path, cases: Iterable[Case], data_dir: Path | None) -> list[str]:
    """Write `<case>.npz` and `<case>.pt` for each case, numbered from 0; the names of the data used.

    Without a data folder all is done on scikit-learn's 8x8 digits, which every installation has.
    """
    names = []
    for number, case in enumerate(cases):
        dataset = load(case.data if data_dir is not None else "digits", data_dir)
        names.append(dataset.name)
        parts = np.arange(case.clients * case.examples) % len(dataset.train)
        used = np.unique(parts)
        x, y = dataset.train.x[used].numpy(), dataset.train.y[used].numpy()
        module = MODELS.kinds[case.model]().build(dataset.shape, dataset.classes, 0)
        start = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        np.savez(folder / f"{number}.npz", x=x, y=y, parts=parts.reshape(case.clients, case.examples), **start)
        torch.save(module, folder / f"{number}.pt")
    return names


def load(kind: str, data_dir: Path | None) -> Dataset:
    """A dataset by name."""
    return DATASETS.kinds[kind]().load(data_dir, 0)
