"""What a dataset is, in memory and in a configuration."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fedprop.answers import described
from fedprop.data.arrays import Array, count_classes, inputs, labels
from fedprop.errors import InvalidConfig
from fedprop.types import Kind


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs `x` [n, ...], float32, or int64 for token ids and their like, and their labels `y`, int64 [n].

    Where what is learnt has an answer at each position of an input, x and y are [n, T]; where the answer is a vector of
    numbers, y is float32 [n, k].

    Attributes
    ----------
    users : whose each example is, int64 [n], counted from 0: who spoke or wrote it; None where the data do not say.
    """

    x: Tensor
    y: Tensor
    users: Tensor | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(part, Tensor) for part in (self.x, self.y)):
            found = f"{type(self.x).__name__} and {type(self.y).__name__}"
            raise InvalidConfig(f"`x` and `y` must be tensors; found {found}, of which Dataset.from_arrays makes some")
        if len(self.x) != len(self.y):
            raise InvalidConfig(f"`x` and `y` must have equal lengths; found {len(self.x)} and {len(self.y)}")
        if self.users is not None:
            _check_users(self.users, len(self.y))

    def __len__(self) -> int:
        return len(self.y)

    def at(self, rows: Tensor) -> "Examples":
        """Some of the examples, by their places or by a mask."""
        return Examples(self.x[rows], self.y[rows], None if self.users is None else self.users[rows.cpu()])

    def to(self, device: torch.device) -> "Examples":
        """The same on a device; whose they are is asked on a CPU only, and stays there."""
        return Examples(self.x.to(device), self.y.to(device), self.users)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What clients train on, what the server tests on, and the number of classes.

    Attributes
    ----------
    classes : how many different labels there are, or how many numbers an answer has.
    sequences : whether there is a label at each position of an input [n, T], as where the next token is learnt.
    """

    name: str
    train: Examples
    test: Examples
    classes: int
    sequences: bool = False

    def __post_init__(self) -> None:
        if not all(isinstance(part, Examples) for part in (self.train, self.test)):
            found = f"{type(self.train).__name__} and {type(self.test).__name__}"
            raise InvalidConfig(f"`train` and `test` must be Examples; found {found}")
        for part, examples in (("train", self.train), ("test", self.test)):
            _check_labels(part, examples, self.classes, sequences=self.sequences)
        train, test = self.train.x, self.test.x
        if train.shape[1:] != test.shape[1:]:
            shapes = f"{list(train.shape[1:])} and {list(test.shape[1:])}"
            raise InvalidConfig(f"`x_train` and `x_test` must hold inputs of one shape; found {shapes}")
        if train.dtype != test.dtype:
            dtypes = f"{train.dtype} and {test.dtype}"
            raise InvalidConfig(f"`x_train` and `x_test` must hold numbers of one sort; found {dtypes}")

    @property
    def vectors(self) -> bool:
        """Whether labels are vectors of numbers, as in regression."""
        return self.train.y.is_floating_point()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input, for example (1, 28, 28) or (30,)."""
        return tuple(self.train.x.shape[1:])

    @classmethod
    def from_arrays(
        cls, name: str, x_train: Array, y_train: Array, x_test: Array, y_test: Array, *, classes: int | None = None
    ) -> "Dataset":
        """A dataset from your own NumPy arrays, tensors or nested lists, which are copied.

        Fractions, bytes (pictures) and booleans [n, ...] become float32 as they are, without scaling; other integers,
        such as token ids, stay integers, int64. Labels [n] are integers counted from 0. Without `classes` their number
        is the largest label plus one.

        >>> Dataset.from_arrays("mine", [[0.0], [1.0]], [0, 1], [[0.5]], [1]).classes
        2

        Raises
        ------
        InvalidConfig
            If lengths, shapes or dtypes disagree, a part is empty, sparse, masked or ragged, an input is not a finite
            real number, or a label is not an integer in 0 ... classes - 1.
        """
        train, test = _examples("train", x_train, y_train), _examples("test", x_test, y_test)
        return cls(name, train, test, count_classes(classes, train.y, test.y))


class DatasetSpec(Kind, ABC):
    """A dataset by name: `load` reads or makes it."""

    @abstractmethod
    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        """Read the data; `data_dir` holds the files of sets that do not ship with a package.

        Raises
        ------
        DataUnavailable
            If a file is missing or corrupt; the message says what to put where.
        """


def _examples(part: str, x: Array, y: Array) -> Examples:
    found = inputs(f"x_{part}", x), labels(f"y_{part}", y)
    if len(found[0]) != len(found[1]):
        lengths = f"{len(found[0])} and {len(found[1])}"
        raise InvalidConfig(f"`x_{part}` and `y_{part}` must have equal lengths; found {lengths}")
    return Examples(*found)


def _check_users(users: Tensor, examples: int) -> None:
    if not isinstance(users, Tensor) or users.dtype != torch.int64 or users.shape != (examples,):
        raise InvalidConfig(f"`users` must be int64 of shape [{examples}]; found {described(users)}")
    if examples and int(users.min()) < 0:
        raise InvalidConfig(f"`users` must count from 0; found {int(users.min())}")


def _check_labels(part: str, examples: Examples, classes: int, *, sequences: bool) -> None:
    y = examples.y
    if sequences and (y.dtype != torch.int64 or y.shape != examples.x.shape or y.ndim != 2 or y.numel() == 0):
        found = f"{y.dtype}, {list(y.shape)} for inputs {list(examples.x.shape)}"
        raise InvalidConfig(f"`y_{part}` must be int64 of shape [n, T] as its inputs and not be empty; found {found}")
    if sequences:
        _check_range(part, y, classes)
        return
    if y.is_floating_point() and y.ndim == 2:
        _check_vectors(part, y, classes)
        return
    if y.dtype != torch.int64 or y.ndim != 1 or len(y) == 0:
        raise InvalidConfig(f"`y_{part}` must be int64 of shape [n] and not be empty; found {y.dtype}, {list(y.shape)}")
    _check_range(part, y, classes)


def _check_vectors(part: str, y: Tensor, numbers: int) -> None:
    if y.dtype != torch.float32 or y.ndim != 2 or y.shape[1] != numbers or y.numel() == 0:
        found = f"{y.dtype}, {list(y.shape)}"
        raise InvalidConfig(f"`y_{part}` must be int64 of shape [n], or float32 of shape [n, {numbers}]; found {found}")
    if not torch.isfinite(y).all():
        raise InvalidConfig(f"`y_{part}` must be finite; found NaN or infinity")


def _check_range(part: str, y: Tensor, classes: int) -> None:
    if int(y.min()) < 0 or int(y.max()) >= classes:
        found = f"{int(y.min())} ... {int(y.max())} with classes={classes}"
        raise InvalidConfig(f"labels must lie in 0 ... classes - 1; found {found} in `y_{part}`")
