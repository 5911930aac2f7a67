"""Which examples each local step sees."""

import torch
from torch import Tensor

from fedprop.privacy.config import expected_batch
from fedprop.training.config import LocalTraining


def plan(examples: int, config: LocalTraining, generator: torch.Generator) -> list[Tensor]:
    """The batches of one task, as indices into the client's own examples, one int64 tensor for each step."""
    return list(torch.split(*draw(examples, config, generator)))


def draw(examples: int, config: LocalTraining, generator: torch.Generator) -> tuple[Tensor, list[int]]:
    """All batches of one task in a row, and the size of each."""
    if config.privacy is not None and config.privacy.sampling == "poisson":
        return _toss(examples, config, generator)
    sizes = batch_sizes(examples, config)
    return _shuffle(examples, sum(sizes), generator), sizes


def _shuffle(examples: int, total: int, generator: torch.Generator) -> Tensor:
    """Examples without replacement: in a random order, and shuffled again at the end of each pass."""
    if total == 0:
        return torch.empty(0, dtype=torch.int64)
    passes = [torch.randperm(examples, generator=generator) for _ in range(-(-total // examples))]
    return (passes[0] if len(passes) == 1 else torch.cat(passes))[:total]


def _toss(examples: int, config: LocalTraining, generator: torch.Generator) -> tuple[Tensor, list[int]]:
    """Poisson sampling: in each step every example takes part or not, by a coin of its own."""
    rate = expected_batch(examples, config.batch_size) / max(1, examples)
    steps = range(config.count_steps(examples))
    batches = [torch.nonzero(torch.rand(examples, generator=generator) < rate)[:, 0] for _ in steps]
    return torch.cat([torch.empty(0, dtype=torch.int64), *batches]), [len(batch) for batch in batches]


def batch_sizes(examples: int, config: LocalTraining) -> list[int]:
    """How many examples each step without Poisson sampling sees: `batch_size`, or what is left of a pass."""
    whole, rest = divmod(examples, config.batch_size)
    one_pass = [config.batch_size] * whole + [rest] * bool(rest)
    steps = config.count_steps(examples)
    return (one_pass * -(-steps // max(1, len(one_pass))))[:steps]


def sizes_that_occur(examples: int, config: LocalTraining) -> set[int]:
    """Of how many examples, but none, the batches of one task may be."""
    if examples == 0:
        return set()
    if config.privacy is not None and config.privacy.sampling == "poisson":
        return {1, expected_batch(examples, config.batch_size)}
    whole, rest = divmod(examples, config.batch_size)
    last = {rest} if rest and config.count_steps(examples) > whole else set()
    return last | ({config.batch_size} if whole else set())
