"""Small modules whose state is hard to carry: what parameter codecs are tried on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

Part: TypeAlias = Literal["linear", "batch norm", "tied", "counters", "frozen", "transposed", "scalar", "constant"]

BIG = 2**24 + 1
"""The smallest integer that float32 does not hold."""


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.there = nn.Linear(2, 2, bias=False)
        self.back = nn.Linear(2, 2)
        self.back.weight = self.there.weight


class Buffered(nn.Module):
    """A module that holds one buffer of each kind given, beside a parameter; persistent if `kept`."""

    def __init__(self, *, kept: bool, **buffers: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=kept)


def _transposed() -> nn.Module:
    module = nn.Linear(2, 3, bias=False)
    module.weight = nn.Parameter(torch.zeros(2, 3).T)
    return module


def _frozen() -> nn.Module:
    module = nn.Linear(1, 2)
    module.weight.requires_grad_(False)
    return module


def _scalar() -> nn.Module:
    module = nn.Module()
    module.scale = nn.Parameter(torch.tensor(0.0))
    return module


PARTS: dict[Part, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(2, 1),
    "batch norm": lambda: nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)),
    "tied": Tied,
    "counters": lambda: Buffered(
        kept=True, seen=torch.zeros(2, dtype=torch.int64), flags=torch.zeros(3, dtype=torch.bool)
    ),
    "frozen": _frozen,
    "transposed": _transposed,
    "scalar": _scalar,
    "constant": lambda: Buffered(kept=False, mask=torch.zeros(2)),
}
"""What a module may be made of, the plain parts first."""


@dataclass(frozen=True)
class Blueprint:
    """An architecture, and how to fill its state.

    Attributes
    ----------
    parts : what it is made of, in order.
    dtype : of its floating state.
    big : whether its integers exceed what float32 holds.
    """

    parts: tuple[Part, ...]
    dtype: torch.dtype = torch.float32
    big: bool = False

    def build(self, start: int) -> nn.Module:
        """A module whose state counts up from `start`, so that no two numbers in it are the same.

        In float64 the numbers are a third off, which no float32 is.
        """
        module = nn.Sequential(*(PARTS[part]() for part in self.parts)).to(self.dtype)
        following = start
        with torch.no_grad():
            for tensor in state_of(module).values():
                numbers = torch.arange(following, following + tensor.numel()).reshape(tensor.shape)
                following += tensor.numel()
                tensor.copy_(self._values(numbers, tensor.dtype))
        return module

    def _values(self, numbers: Tensor, dtype: torch.dtype) -> Tensor:
        if dtype == torch.bool:
            return numbers % 2 == 0
        if not dtype.is_floating_point:
            return numbers + BIG if self.big else numbers
        return numbers.double() + (1 / 3 if dtype == torch.float64 else 0.25)


def blueprints() -> st.SearchStrategy[Blueprint]:
    """One to three parts of any kind."""
    parts = st.lists(st.sampled_from(tuple(PARTS)), min_size=1, max_size=3).map(tuple)
    return st.builds(Blueprint, parts, st.sampled_from((torch.float32, torch.float64)), st.booleans())


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and every persistent buffer by its first name; the tensors themselves."""
    persistent = module.state_dict().keys()
    buffers = {name: buffer for name, buffer in module.named_buffers() if name in persistent}
    return {**{name: parameter.data for name, parameter in module.named_parameters()}, **buffers}


def copy_of(module: nn.Module) -> dict[str, Tensor]:
    """The state as it is now."""
    return {name: tensor.clone() for name, tensor in state_of(module).items()}
