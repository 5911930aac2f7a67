"""Which models can be trained privately."""

import torch
from torch import Tensor, nn

from fedprop.draws import seeded
from fedprop.errors import InvalidConfig
from fedprop.params import copy_module

LOOKED_AT = 4
"""Examples answered alone and together, to see whether one depends on others; a few show it, and cost little."""

SAME = 1e-4
"""How far logits may be apart, relative to the largest: in single precision, rounding comes to about 1e-6."""


def refuse_leaks(module: nn.Module, x: Tensor) -> None:
    """Refuse a model, for inputs like `x` [n, ...], in which an example does more than add its own gradient.

    Raises
    ------
    InvalidConfig
        As `refuse_leaky_layers` does, or if the examples of a batch change each other's logits.
    """
    refuse_leaky_layers(module)
    _refuse(_meeting(module, x))


def refuse_leaky_layers(module: nn.Module) -> None:
    """Refuse a model for its layers alone, which are not called.

    Raises
    ------
    InvalidConfig
        If a layer mixes the examples of a batch, such as BatchNorm, or has no gradient for each example. If there is a
        buffer: what it may keep of the examples no noise would cover, and opacus takes none.
    """
    _refuse(_unsupported(module) or _buffered(module))


def _refuse(problem: str) -> None:
    if problem:
        raise InvalidConfig(f"`training.privacy` needs a model whose examples never meet; found {problem}")


def _unsupported(module: nn.Module) -> str:
    """The first layer that opacus refuses, and what to put in its place."""
    from opacus.validators import ModuleValidator  # takes a second to import

    for name, part in module.named_modules():
        kind = type(part)
        if kind in ModuleValidator.VALIDATORS and ModuleValidator.VALIDATORS[kind](part):
            with seeded(0):  # the remedy is initialised
                remedy = type(ModuleValidator.FIXERS[kind](part)).__name__
            return f"{kind.__name__} at {name!r}; opacus.validators.ModuleValidator.fix puts {remedy} in its place"
    return ""


def _buffered(module: nn.Module) -> str:
    name = next((name for name, _ in module.named_buffers()), None)
    return "" if name is None else f"the buffer {name!r}; what never changes may be a plain attribute"


@torch.no_grad()
def _meeting(module: nn.Module, x: Tensor) -> str:
    """Where examples meet in a model of known layers: in each other's logits."""
    trial = copy_module(module).train()
    for row in range(min(len(x), LOOKED_AT)):
        with seeded(0, x.device):
            among_others = trial(x)[row]
        with seeded(0, x.device):
            alone = trial(x[row : row + 1].expand_as(x))[row]
        if not torch.allclose(among_others, alone, rtol=SAME, atol=SAME * float(alone.abs().max())):
            return f"{type(module).__name__}.forward, which lets the examples of a batch change each other's logits"
    return ""
