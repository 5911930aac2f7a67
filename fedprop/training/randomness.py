"""Models that draw random numbers while they train."""

from contextlib import suppress
from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from fedprop.draws import DrawsSeen, other_states, seeded

Draws: TypeAlias = Literal["none", "own", "shared"]
"""Where a model's random numbers come from: a generator of each task's own, or those that the process shares."""

SHARING: tuple[Draws, ...] = get_args(Draws)
"""The same, in order of how much is shared with others."""


class Randomness(NamedTuple):
    """Where from, and what in the module draws; empty if nothing does."""

    draws: Draws
    source: str


class Watch:
    """Watches a step of training for what it draws.

    Draws in a forward pass can have a generator of their own. Draws in a backward pass cannot: there activations are
    computed again, as `torch.utils.checkpoint` does, with the process's generators put back to what they were.
    """

    def __init__(self) -> None:
        self.forward = DrawsSeen()
        self.backward = DrawsSeen()
        self._others = other_states()

    def found(self, module: nn.Module) -> Randomness:
        """What was seen since the watch was made."""
        shared = bool(self.forward.unled or self.backward.led or self.backward.unled) or other_states() != self._others
        drawn = f"draws in {type(module).__name__}.forward" if shared or self.forward.led else ""
        source = _random_layer(module) or drawn
        return Randomness("shared" if shared else "own" if source else "none", source)


def draws_in_evaluation(module: nn.Module, x: Tensor) -> bool:
    """Whether a module in evaluation mode draws random numbers for inputs x [n, ...]; one that fails does not."""
    seen = DrawsSeen()
    with suppress(Exception), seeded(0, x.device), torch.no_grad(), seen:
        module(x)
    return bool(seen.led or seen.unled)


def _random_layer(module: nn.Module) -> str:
    found = ((name, part) for name, part in module.named_modules() if _is_random(part))
    return next((f"{type(part).__name__} at {name!r}" for name, part in found), "")


def _is_random(part: nn.Module) -> bool:
    if isinstance(part, _DropoutNd):
        return part.p > 0
    if isinstance(part, nn.MultiheadAttention | nn.RNNBase):
        return part.dropout > 0
    return isinstance(part, nn.RReLU)
