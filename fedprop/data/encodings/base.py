"""What every encoding of texts is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from fedprop.types import Kind

PADDING = 0
"""The id that fills up a text that is too short."""


class Encoding(Kind, ABC):
    """Base of all encodings: a frozen value that turns each text into numbers, whatever the other texts are."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Tensor:
        """The inputs of a model: float32 or int64, [texts, ...]."""


class TokenIds(Encoding, ABC):
    """Base of the encodings by which a text is a sequence of tokens.

    Attributes
    ----------
    length : how many of a text's tokens are kept, from its beginning; a shorter one is filled up with id 0.
    """

    length: int

    @property
    @abstractmethod
    def vocabulary(self) -> int:
        """How many different ids there are, 0 for padding among them."""

    @abstractmethod
    def ids(self, text: str) -> list[int]:
        """All of a text's tokens, none of them 0."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The ids [texts, length]."""
        rows = torch.full((len(texts), self.length), PADDING)
        for row, text in zip(rows, texts, strict=True):
            kept = torch.tensor(self.ids(text)[: self.length], dtype=torch.int64)
            row[: len(kept)] = kept
        return rows
