"""Layers of long short-term memory on top of embedded tokens."""

import torch
from torch import Tensor, nn

from fedprop.errors import InvalidConfig


class Recurrent(nn.Module):
    """Tokens are embedded, read by LSTM layers, and answered by one linear layer: at each position, or at the end."""

    def __init__(
        self, tokens: int, answers: int, *, width: int, hidden: int, layers: int, bidirectional: bool, only_last: bool
    ) -> None:
        super().__init__()
        self.only_last, self.hidden = only_last, hidden
        self.embed = nn.Embedding(tokens, width)
        self.read = nn.LSTM(width, hidden, num_layers=layers, batch_first=True, bidirectional=bidirectional)
        self.answer = nn.Linear(hidden * (2 if bidirectional else 1), answers)

    def forward(self, x: Tensor) -> Tensor:
        """From ids [n, T] to logits [n, T, answers], or [n, answers] where only the end is asked for."""
        outputs: Tensor = self.read(self.embed(x))[0]
        logits: Tensor = self.answer(self._end(outputs) if self.only_last else outputs)
        return logits

    def _end(self, outputs: Tensor) -> Tensor:
        """What stands where each direction has read everything: at the last token forwards, at the first backwards."""
        forwards, backwards = outputs[:, -1, : self.hidden], outputs[:, 0, self.hidden :]
        return torch.cat([forwards, backwards], dim=-1)


def token_shape(shape: tuple[int, ...], model: str) -> int:
    """The length of a sequence of token ids.

    Raises
    ------
    InvalidConfig
        If inputs of this shape are something else.
    """
    if len(shape) != 1:
        raise InvalidConfig(f"inputs must be sequences of token ids, of shape (T,), for {model}; found {shape}")
    return shape[0]
