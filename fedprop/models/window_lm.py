"""A small language model that looks back over a few tokens."""

from typing import Literal, Self

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import pad

from fedprop.models.base import ModelSpec
from fedprop.models.recurrent import token_shape


class Window(nn.Module):
    """The last tokens up to each position, embedded side by side, and two layers on top of them."""

    def __init__(self, tokens: int, context: int, width: int, hidden: int) -> None:
        super().__init__()
        self.context = context
        self.embed = nn.Embedding(tokens, width)
        self.mix = nn.Linear(context * width, hidden)
        self.answer = nn.Linear(hidden, tokens)

    def forward(self, x: Tensor) -> Tensor:
        """From ids [n, T] to logits [n, T, tokens]; before the first token stand zeros."""
        length = x.shape[1]
        padded = pad(self.embed(x), (0, 0, self.context - 1, 0))
        window = torch.cat([padded[:, back : back + length] for back in range(self.context)], dim=2)
        logits: Tensor = self.answer(torch.tanh(self.mix(window)))
        return logits


class WindowLM(ModelSpec):
    """A neural probabilistic language model (Bengio et al., JMLR 2003, section 2), without its direct connections.

    Source: there the vectors of the last n - 1 words, side by side, go through one hidden layer of tanh.

    Attributes
    ----------
    context : how many tokens it looks at, the present one included.
    width : the length of a token's vector.
    hidden : the width of the hidden layer.
    """

    kind: Literal["window_lm"] = "window_lm"
    context: PositiveInt = 3
    width: PositiveInt = 8
    hidden: PositiveInt = 32

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(context=1, width=2, hidden=4))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        token_shape(shape, "WindowLM")
        return Window(classes, self.context, self.width, self.hidden)
