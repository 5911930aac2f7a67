"""Datasets of texts."""

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, NamedTuple, Self

import torch
from pydantic import model_validator
from torch import Tensor

from fedprop.data.base import Dataset, Examples
from fedprop.data.encodings import ENCODINGS, BagOfWords, Encoding
from fedprop.data.encodings.base import TokenIds
from fedprop.data.subsampled import Subsampled
from fedprop.errors import InvalidConfig


class Texts(NamedTuple):
    """Texts, and to which class each belongs."""

    texts: list[str]
    labels: list[int]

    def at(self, places: Tensor) -> "Texts":
        """Some of them, by their places."""
        return Texts([self.texts[i] for i in places], [self.labels[i] for i in places])


class Corpus(Subsampled):
    """Texts with a class for each, as numbers that an `encoding` makes of them.

    Attributes
    ----------
    encoding : how a text becomes an input; hashed words by default.
    next_token : whether the token that follows is to be told, for `task: next_token`, instead of a text's class: then
        all texts, one after the other, are cut into sequences of the encoding's `length`.
    train_size, test_size : how many texts, or sequences, to keep, drawn at random; None for all.
    """

    encoding: Annotated[Encoding, ENCODINGS] = BagOfWords()
    next_token: bool = False

    @abstractmethod
    def texts(self, data_dir: Path | None, seed: int) -> tuple[Texts, Texts]:
        """All texts for training, and all for testing."""

    @property
    def answers(self) -> int:
        return self.encoding.vocabulary if self.next_token and isinstance(self.encoding, TokenIds) else self.classes

    @property
    def sequences(self) -> bool:
        return self.next_token

    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        """As for any dataset of which a run may use a part; where texts are examples, only those kept are encoded."""
        if self.next_token:
            return super().load(data_dir, seed)
        parts, sizes = self.texts(data_dir, seed), {"train_size": self.train_size, "test_size": self.test_size}
        train, test = (
            self._examples(part if size is None else part.at(self.chosen(field, len(part.texts), size, stream)))
            for part, (field, size), stream in zip(parts, sizes.items(), self.streams(seed), strict=True)
        )
        return Dataset(self.kind, train, test, self.answers)

    def read(self, data_dir: Path | None, seed: int) -> tuple[Examples, Examples]:
        train, test = (self._examples(part) for part in self.texts(data_dir, seed))
        return train, test

    def _examples(self, part: Texts) -> Examples:
        if isinstance(self.encoding, TokenIds) and self.next_token:
            return packed(part.texts, self.encoding)
        return Examples(self.encoding.encode(part.texts), torch.tensor(part.labels))

    @model_validator(mode="after")
    def _has_tokens(self) -> Self:
        if self.next_token and not isinstance(self.encoding, TokenIds):
            raise ValueError(
                f"`next_token` needs an `encoding` of tokens, such as word_ids; found {self.encoding.kind}"
            )
        return self


def packed(texts: list[str], encoding: TokenIds) -> Examples:
    """Sequences of a stream of all texts, with padding between two of them, and what follows each token.

    Raises
    ------
    InvalidConfig
        If there are fewer tokens than a sequence takes.
    """
    stream = [token for text in texts for token in (*encoding.ids(text), 0)]
    count = (len(stream) - 1) // encoding.length
    if not count:
        raise InvalidConfig(
            f"`encoding.length` must be below the number of tokens, {len(stream)}, to cut; found {encoding.length}"
        )
    ids = torch.tensor(stream)
    x, y = (ids[first : first + count * encoding.length].view(count, -1) for first in (0, 1))
    return Examples(x, y)
