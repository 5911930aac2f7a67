"""Small modules whose state is hard to carry: what parameter codecs are tried on."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

Part: TypeAlias = Literal[
    "linear",
    "batch norm",
    "tied",
    "counters",
    "frozen",
    "transposed",
    "scalar",
    "constant",
    "infinite",
    "empty",
    "bytes",
    "bfloat16",
    "twice",
    "weight norm",
    "wide",
]

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


def _holding(parameter: Tensor) -> nn.Module:
    module = nn.Module()
    module.held = nn.Parameter(parameter)
    return module


def _twice() -> nn.Module:
    module = nn.Linear(1, 1)
    return nn.Sequential(module, module)


class Infinite(Buffered):
    """A module with a buffer that holds what numbers become that grow for ever, as a mask or a norm that diverged."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__(kept=True, mask=torch.zeros(4))


PARTS: dict[Part, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(2, 1),
    "batch norm": lambda: nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)),
    "tied": Tied,
    "counters": lambda: Buffered(
        kept=True, seen=torch.zeros(2, dtype=torch.int64), flags=torch.zeros(3, dtype=torch.bool)
    ),
    "frozen": _frozen,
    "transposed": _transposed,
    "scalar": lambda: _holding(torch.tensor(0.0)),
    "constant": lambda: Buffered(kept=False, mask=torch.zeros(2)),
    "infinite": Infinite,
    "empty": lambda: _holding(torch.zeros(0, 3)),
    "bytes": lambda: Buffered(kept=True, low=torch.zeros(2, dtype=torch.int8), high=torch.zeros(2, dtype=torch.uint8)),
    "bfloat16": lambda: nn.Linear(2, 1),
    "twice": _twice,
    "weight norm": lambda: weight_norm(nn.Linear(2, 2)),
    "wide": lambda: nn.Linear(13, 10),
}
"""What a module may be made of, the plain parts first."""


@dataclass(frozen=True)
class Blueprint:
    """An architecture, and how to fill its state.

    Attributes
    ----------
    parts : what it is made of, in order.
    dtype : of its floating state, but for parts that are named by a dtype of their own.
    big : whether its integers exceed what float32 holds.
    """

    parts: tuple[Part, ...]
    dtype: torch.dtype = torch.float32
    big: bool = False

    def build(self, start: int) -> nn.Module:
        """A module whose state counts up from `start`, so that no two numbers in it are the same; a third are negative.

        In float64 the numbers are a third off, which no float32 is.
        """
        dtypes = [torch.bfloat16 if part == "bfloat16" else self.dtype for part in self.parts]
        module = nn.Sequential(*(PARTS[part]().to(dtype) for part, dtype in zip(self.parts, dtypes, strict=True)))
        following = start
        with torch.no_grad():
            for tensor in state_of(module).values():
                numbers = torch.arange(following, following + tensor.numel()).reshape(tensor.shape)
                following += tensor.numel()
                tensor.copy_(self._values(numbers, tensor.dtype))
            for part in module:
                if isinstance(part, Infinite):
                    part.mask[:3] = torch.tensor((math.inf, -math.inf, math.nan))
        return module

    def _values(self, numbers: Tensor, dtype: torch.dtype) -> Tensor:
        if dtype == torch.bool:
            return numbers % 2 == 0
        if not dtype.is_floating_point:
            return numbers + BIG if self.big and dtype == torch.int64 else numbers % 100
        signs = torch.where(numbers % 3 == 0, -1.0, 1.0).double()
        return signs * (numbers + (1 / 3 if dtype == torch.float64 else 0.25))


DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def blueprints() -> st.SearchStrategy[Blueprint]:
    """One to three parts of any kind."""
    return _blueprints(1, 3)


def large_blueprints() -> st.SearchStrategy[Blueprint]:
    """A dozen parts, of which one has more than a hundred parameters: the tenth and later have longer names."""
    return _blueprints(11, 13).map(lambda drawn: replace(drawn, parts=(*drawn.parts, "wide")))


def _blueprints(least: int, most: int) -> st.SearchStrategy[Blueprint]:
    parts = st.lists(st.sampled_from(tuple(PARTS)), min_size=least, max_size=most).map(tuple)
    return st.builds(Blueprint, parts, st.sampled_from(DTYPES), st.booleans())


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and every persistent buffer by its first name; the tensors themselves."""
    persistent = module.state_dict().keys()
    buffers = {name: buffer for name, buffer in module.named_buffers() if name in persistent}
    return {**{name: parameter.data for name, parameter in module.named_parameters()}, **buffers}


def same_numbers(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape are equal to the bit, NaN being equal to itself."""
    return bool(((a == b) | ((a != a) & (b != b))).all())


def copy_of(module: nn.Module) -> dict[str, Tensor]:
    """The state as it is now."""
    return {name: tensor.clone() for name, tensor in state_of(module).items()}
