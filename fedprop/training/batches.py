"""Which examples each local step sees."""

import torch
from torch import Tensor

from fedprop.training.config import LocalTraining


def plan(examples: int, config: LocalTraining, generator: torch.Generator) -> list[Tensor]:
    """The batches of one task, as indices into the client's own examples, one int64 tensor for each step."""
    return list(torch.split(draw(examples, config, generator), batch_sizes(examples, config)))


def draw(examples: int, config: LocalTraining, generator: torch.Generator) -> Tensor:
    """All batches of one task in a row.

    Examples are drawn without replacement: the client goes through its data in a random order, and shuffles again at
    the end of each pass.
    """
    total = sum(batch_sizes(examples, config))
    if total == 0:
        return torch.empty(0, dtype=torch.int64)
    passes = -(-total // examples)
    return torch.cat([torch.randperm(examples, generator=generator) for _ in range(passes)])[:total]


def batch_sizes(examples: int, config: LocalTraining) -> list[int]:
    """How many examples each step sees: `batch_size`, or what is left of a pass."""
    whole, rest = divmod(examples, config.batch_size)
    one_pass = [config.batch_size] * whole + [rest] * bool(rest)
    steps = config.count_steps(examples)
    return (one_pass * -(-steps // max(1, len(one_pass))))[:steps]
