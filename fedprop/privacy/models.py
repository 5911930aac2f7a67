"""Which models can be trained privately."""

import copy

import torch
from torch import Tensor, nn

from fedprop.errors import InvalidConfig


def refuse_leaks(module: nn.Module, x: Tensor) -> None:
    """Refuse a model, for inputs like `x` [n, ...], in which an example does more than add its own gradient.

    Raises
    ------
    InvalidConfig
        If a layer mixes the examples of a batch, such as BatchNorm, or has no gradient for each example. If there is a
        buffer: what it may keep of the examples no noise would cover, and opacus takes none.
    """
    problem = _unsupported(module) or _buffered(module) or _meeting(module, x)
    if problem:
        raise InvalidConfig(f"`training.privacy` needs a model whose examples never meet; found {problem}")


def _unsupported(module: nn.Module) -> str:
    """The first layer that opacus refuses, and what to put in its place."""
    from opacus.validators import ModuleValidator  # takes a second to import

    for name, part in module.named_modules():
        kind = type(part)
        if kind in ModuleValidator.VALIDATORS and ModuleValidator.VALIDATORS[kind](part):
            remedy = type(ModuleValidator.FIXERS[kind](part)).__name__
            return f"{kind.__name__} at {name!r}; opacus.validators.ModuleValidator.fix puts {remedy} in its place"
    return ""


def _buffered(module: nn.Module) -> str:
    name = next((name for name, _ in module.named_buffers()), None)
    return "" if name is None else f"the buffer {name!r}; what never changes may be a plain attribute"


@torch.no_grad()
def _meeting(module: nn.Module, x: Tensor) -> str:
    """Where examples meet in a model of known layers: in each other's logits."""
    trial = copy.deepcopy(module).cpu().train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        among_others = trial(x[[0, -1]].cpu())[0]
        torch.manual_seed(0)
        alone = trial(x[[0, 0]].cpu())[0]
    if torch.allclose(among_others, alone, rtol=1e-3, atol=1e-4):
        return ""
    return f"{type(module).__name__}.forward, which lets the examples of a batch change each other's logits"
