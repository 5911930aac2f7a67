"""The noise of differential privacy."""

import torch
from torch import Tensor


def noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise in the shape of `x`: drawn on the CPU, so that every device trains with the same."""
    return torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
