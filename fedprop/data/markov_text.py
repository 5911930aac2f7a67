"""A made-up language whose best possible model is known."""

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.data.base import Dataset, DatasetSpec, Examples
from fedprop.rng import generator

SHARPNESS = 2.0
"""The deviation of the log-odds of what may follow: at 2 two or three of eight tokens are likely after each pair."""

SETTLING = 50
"""Tokens before those that are kept, so that these do not depend on how a sequence began."""


class MarkovText(DatasetSpec):
    """Sequences of tokens, each drawn by the two before it: a Markov chain of order 2.

    Inputs [n, length] hold tokens, labels those that follow. The seed decides the language and what is said in it.

    Attributes
    ----------
    tokens : how many there are.
    length : tokens in a sequence.
    train_size, test_size : how many sequences.

    Source: Shannon, "A Mathematical Theory of Communication", 1948, section 3.
    """

    kind: Literal["markov_text"] = "markov_text"
    tokens: Annotated[int, Field(ge=2, le=100)] = 8
    length: PositiveInt = 16
    train_size: PositiveInt = 1000
    test_size: PositiveInt = 200

    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        parts = torch.split(self.spoken(self.train_size + self.test_size, seed), [self.train_size, self.test_size])
        train, test = (Examples(part[:, :-1].contiguous(), part[:, 1:].contiguous()) for part in parts)
        return Dataset(self.kind, train, test, self.tokens, sequences=True)

    def language(self, seed: int) -> Tensor:
        """The probabilities of each token after each pair, [tokens, tokens, tokens]."""
        draw = generator(seed, "language")
        return torch.softmax(SHARPNESS * torch.randn(self.tokens, self.tokens, self.tokens, generator=draw), dim=2)

    def spoken(self, count: int, seed: int) -> Tensor:
        """`count` sequences, one token longer than an input, [count, length + 1]."""
        language, draw = self.language(seed), generator(seed, "text")
        said = [torch.randint(self.tokens, (count,), generator=draw) for _ in range(2)]
        for _ in range(SETTLING + self.length + 1):
            said.append(torch.multinomial(language[said[-2], said[-1]], 1, generator=draw)[:, 0])
        return torch.stack(said[-self.length - 1 :], dim=1)

    def entropy(self, seed: int) -> float:
        """The entropy rate in nats: no model's expected loss lies below it."""
        language = self.language(seed).double()
        pairs = torch.full((self.tokens, self.tokens), 1.0 / self.tokens**2, dtype=torch.float64)
        for _ in range(1000):
            pairs = torch.einsum("ab,abc->bc", pairs, language)
        return float((pairs * torch.special.entr(language).sum(dim=2)).sum())
