"""Datasets of which a run may use only a part."""

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.data.base import Dataset, DatasetSpec, Examples
from fedprop.errors import InvalidConfig
from fedprop.rng import generator


class Subsampled(DatasetSpec):
    """A named dataset with a choice of size.

    Attributes
    ----------
    train_size, test_size : how many examples to keep, the first of a shuffle that the seed decides, so that a larger
        size holds every smaller one; None keeps all of them in the order of the source.
    """

    classes: ClassVar[int]
    train_size: PositiveInt | None = None
    test_size: PositiveInt | None = None

    @property
    def answers(self) -> int:
        """How many different labels there are; the `classes`, unless settings decide."""
        return self.classes

    @property
    def sequences(self) -> bool:
        """Whether there is a label at each position of an input."""
        return False

    @abstractmethod
    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        """All training and all test examples.

        Pictures may stay uint8: they are scaled to [0, 1] after the choice, so a small part of a large set is cheap.
        """

    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        """Read the data and keep `train_size` and `test_size` examples of it.

        Raises
        ------
        DataUnavailable
            If a file is missing or corrupt; the message says what to put where.
        InvalidConfig
            If a size exceeds what there is.
        """
        train, test = self.read(data_dir, seed)
        for_train, for_test = self.streams(seed)
        train = self._choose("train_size", train, self.train_size, for_train)
        test = self._choose("test_size", test, self.test_size, for_test)
        return Dataset(self.kind, train, test, self.answers, sequences=self.sequences)

    def streams(self, seed: int) -> tuple[torch.Generator, torch.Generator]:
        """What the choices are drawn from, for training and for testing."""
        return generator(seed, "subsample", 0), generator(seed, "subsample", 1)

    def _choose(self, field: str, examples: Examples, size: int | None, stream: torch.Generator) -> Examples:
        if size is None:
            return _scaled(examples)
        return _scaled(examples.at(self.chosen(field, len(examples), size, stream)))

    def chosen(self, field: str, there: int, size: int, stream: torch.Generator) -> Tensor:
        """Which `size` of as many examples as are `there` to keep, for the setting of that name.

        Raises
        ------
        InvalidConfig
            If there are fewer.
        """
        if size > there:
            raise InvalidConfig(f"`{field}` must be at most {there} for {self.kind}; found {size}")
        return torch.randperm(there, generator=stream)[:size]


def _scaled(examples: Examples) -> Examples:
    x = examples.x
    return replace(examples, x=x.to(torch.float32) / 255) if x.dtype == torch.uint8 else examples
