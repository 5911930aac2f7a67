"""Whether an engine trains a model as it is defined, one client at a time; tried before anything runs.

Clients train on batches of unequal size, from weights of their own, in float64 where the model can: there rounding is
far below what operations do that mix the examples of a batch, or treat the clients of a stack unequally.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.draws import seeded
from fedprop.failures import in_words
from fedprop.params import ParameterLayout, copy_module
from fedprop.privacy.config import expected_batch
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.config import LocalTraining
from fedprop.training.randomness import Draws
from fedprop.training.sequential import Differentiate, Forward, Sequential
from fedprop.training.task import Shards, Ticket, Train
from fedprop.training.trial import Batches

Make: TypeAlias = Callable[[nn.Module, Shards, LocalTraining], Train]
"""An engine for a module that it may keep, some shards and settings."""

SIZES = (4, 2, 4)
"""How many examples the clients hold. The second is padded; the third shows what only the first is granted."""

STEPS = 2

APART = 0.01
"""How far clients' weights are apart: the deviation of a normal distribution."""

FINE, COARSE = 1e-4, 1e-2
"""How far results may differ in float64 and below it, relative to the largest entry of all updates."""

LEAST = 1e-6
"""Where nothing is learnt, rounding and what noise there is are compared with updates of this size."""

CLIENT_BY_CLIENT = "There is a performance drop"
"""How torch's warning begins that `vmap` does an operation client by client; a stack gains nothing from that."""


def disagreement(
    make: Make,
    module: nn.Module,
    few: Examples,
    config: LocalTraining,
    batches: Batches,
    draws: Draws,
    task: Task = CLASSIFICATION,
) -> str:
    """How an engine's results differ from the definition, or why it has none; empty if they agree.

    Parameters
    ----------
    few : the examples to try it on, the most telling ones first.
    batches : sizes that are tried where the module takes none of `SIZES`.
    """
    for precise in (True, False):
        for sizes in (SIZES, (batches.largest, batches.smallest, batches.largest)):
            own, shards = copy_module(module), Shards(few, _parts(sizes, few), task)
            if precise:
                own, shards = own.double(), Shards(_double(few), shards.parts, task)
            settings = _plain(config, max(sizes) if draws == "none" else 1)
            try:
                wanted = _train(_defined(own, shards, settings, draws), own)
            except Exception:  # noqa: S112 - it may want batches of another size, or single precision
                continue
            try:
                found = _train(make(copy_module(own), shards, settings), own)
            except Exception as error:
                return in_words(error)
            return _difference(own, found, wanted)
    return ""


class OneByOne(Sequential):
    """Private gradients without their noise, by the definition: each example is differentiated alone, and clipped."""

    def _differentiator(self, ticket: Ticket, optimizer: torch.optim.Optimizer, forward: Forward) -> Differentiate:
        privacy, batch = self.config.privacy, expected_batch(self.shards.count(ticket.client), self.config.batch_size)
        clip = float("inf") if privacy is None else privacy.clip_norm
        trainable = [parameter for parameter in self.module.parameters() if parameter.requires_grad]

        def differentiate(x: Tensor, y: Tensor) -> Tensor:
            sums = [torch.zeros_like(parameter) for parameter in trainable]
            for row in range(len(y)):
                with forward:
                    loss = self.shards.task.loss(self.module(x[row : row + 1]), y[row : row + 1])
                found = torch.autograd.grad(loss, trainable, allow_unused=True, materialize_grads=True)
                norm = torch.stack([gradient.norm() for gradient in found]).norm()
                for total, gradient in zip(sums, found, strict=True):
                    total += gradient * (clip / norm).clamp(max=1.0)
            for parameter, total in zip(trainable, sums, strict=True):
                parameter.grad = total / batch
            return x.new_zeros((), dtype=torch.float32)

        return differentiate


def _plain(config: LocalTraining, batch_size: int) -> LocalTraining:
    """Two steps of gradient descent, hardly any noise: Adam would blow rounding up where there is no gradient."""
    privacy = config.privacy and config.privacy.but(
        clip_norm=1.0, noise_multiplier=1e-12, target_epsilon=None, tasks=None, quantile=None, sampling="batches"
    )
    return LocalTraining(lr=0.1, batch_size=batch_size, steps=STEPS, privacy=privacy)


def _parts(sizes: Sequence[int], few: Examples) -> tuple[Tensor, ...]:
    """The last client holds the most telling examples; the others hold some of the rest, or the same again."""
    first, second, third = sizes
    spans = (range(third, third + first), range(third, third + second), range(third))
    return tuple(torch.tensor([*span], device=few.y.device) % len(few) for span in spans)


def _double(few: Examples) -> Examples:
    return Examples(few.x.double() if few.x.is_floating_point() else few.x, few.y)


def _defined(module: nn.Module, shards: Shards, config: LocalTraining, draws: Draws) -> Train:
    kind = Sequential if config.privacy is None else OneByOne
    return kind(copy_module(module), shards, config, 0, draws=draws)


def _train(train: Train, module: nn.Module) -> Tensor:
    """What three clients learn, [3, d]."""
    layout, stream = ParameterLayout.of(module), torch.Generator().manual_seed(0)
    base = layout.flatten(module)
    noise = APART * torch.randn(len(SIZES), layout.size, generator=stream, dtype=base.dtype).to(base.device)
    origins = base + noise * layout.trainable.to(base.device)
    with seeded(0, base.device), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        results = train([Ticket(client, client, origin) for client, origin in enumerate(origins)])
    slow = [str(one.message) for one in said if str(one.message).startswith(CLIENT_BY_CLIENT)]
    if slow:
        raise NotImplementedError(slow[0].partition(". ")[0])
    return torch.stack([result.update for result in results])


def _difference(module: nn.Module, found: Tensor, wanted: Tensor) -> str:
    layout = ParameterLayout.of(module)
    tolerance = (FINE if layout.dtype == torch.float64 else COARSE) * max(float(wanted.nan_to_num().abs().max()), LEAST)
    if torch.allclose(found, wanted, rtol=0.0, atol=tolerance, equal_nan=True):
        return ""
    apart = (found - wanted).abs().nan_to_num(nan=float("inf")).amax(dim=0)
    worst = int(apart.argmax())
    name = next(entry.name for entry in layout.entries if entry.start <= worst < entry.stop)
    return f"updates that are {float(apart[worst]):.2g} apart in {name!r}"
