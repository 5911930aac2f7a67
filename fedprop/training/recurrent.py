"""Long short-term memory (Hochreiter and Schmidhuber 1997) in plain operations, for which `vmap` has no rule otherwise.

The gates, their order and the names are those of `torch.nn.LSTM`:

    i, f, g, o = split(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)
    c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g),    h_t = sigmoid(o) tanh(c_t)
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import linear

State: TypeAlias = tuple[Tensor, Tensor]
"""The hidden state h and the cell c."""


def unrolled(
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """What `torch.lstm` answers, with its arguments: all outputs, the last hidden states and the last cells.

    Raises
    ------
    NotImplementedError
        If it drops outputs out, or projects them.
    """
    ways, each = (2 if bidirectional else 1), (4 if has_biases else 2)
    if (dropout and train) or len(weights) != layers * ways * each:
        raise NotImplementedError("an LSTM with dropout or with projections")
    x = x.transpose(0, 1) if batch_first else x
    last: list[State] = []
    for layer in range(layers):
        outputs = []
        for way in range(ways):
            at = layer * ways + way
            found, end = _one_way(x.flip(0) if way else x, (state[0][at], state[1][at]), weights[at * each :][:each])
            outputs.append(found.flip(0) if way else found)
            last.append(end)
        x = torch.cat(outputs, dim=-1)
    hidden, cells = (torch.stack(parts) for parts in zip(*last, strict=True))
    return (x.transpose(0, 1) if batch_first else x), hidden, cells


def _one_way(x: Tensor, state: State, weights: Sequence[Tensor]) -> tuple[Tensor, State]:
    """One layer in one direction: its outputs for inputs x [T, b, features], and its last state."""
    from_input, from_hidden, *biases = weights
    driven = linear(x, from_input, biases[0] + biases[1] if biases else None)
    (h, c), outputs = state, []
    for drive in driven.unbind(0):
        i, f, g, o = (drive + h @ from_hidden.mT).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs), (h, c)
