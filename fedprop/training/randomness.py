"""Models that draw random numbers while they train, from torch's generators, which belong to the whole process."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd


def find_randomness(module: nn.Module, x: Tensor) -> str:
    """What in a module that takes inputs like `x` [n, ...] draws random numbers; empty if nothing does."""
    found = ((name, part) for name, part in module.named_modules() if _is_random(part))
    layer = next((f"{type(part).__name__} at {name!r}" for name, part in found), "")
    return layer or (f"draws in {type(module).__name__}.forward" if _draws(module, x) else "")


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Layers such as Dropout, which know only torch's global generators, draw from a stream of their own in here."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.default_generators[device.index].manual_seed(seed)
        yield


def _is_random(part: nn.Module) -> bool:
    if isinstance(part, _DropoutNd):
        return part.p > 0
    if isinstance(part, nn.MultiheadAttention | nn.RNNBase):
        return part.dropout > 0
    return isinstance(part, nn.RReLU)


@torch.no_grad()
def _draws(module: nn.Module, x: Tensor) -> bool:
    """Whether a forward pass on two examples moves the global generator."""
    trial = copy.deepcopy(module).cpu().train()
    with torch.random.fork_rng(devices=[]):
        before = torch.random.get_rng_state()
        trial(x[[0, -1]].cpu())
        return not torch.equal(torch.random.get_rng_state(), before)
