"""A trial of a model before anything runs: real steps, on batches as small and as large as will occur."""

from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.draws import OwnDraws, seeded
from fedprop.errors import InvalidConfig
from fedprop.failures import blamed
from fedprop.params import ParameterLayout, copy_module
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.batches import sizes_that_occur
from fedprop.training.config import LocalTraining
from fedprop.training.randomness import SHARING, Draws, Randomness, Watch
from fedprop.training.sequential import Sequential
from fedprop.training.task import Shards, Ticket

SAME = 1e-3
"""How far apart the same computation may come out, relative to the largest entry: a GPU adds up in any order."""

KEEPS = "must keep what it remembers from batch to batch in parameters or buffers"


class Batches(NamedTuple):
    """The sizes of a run's smallest and largest batch, and how many examples a client with the former holds."""

    smallest: int
    largest: int
    held: int


def batches_of(shards: Shards, config: LocalTraining) -> Batches:
    """Which batches will occur; of size 0 if nobody holds an example."""
    sizes = {size: held for held in sorted(set(shards.sizes)) for size in sizes_that_occur(held, config)}
    return Batches(min(sizes), max(sizes), sizes[min(sizes)]) if sizes else Batches(0, 0, 0)


def try_training(
    module: nn.Module, few: Examples, config: LocalTraining, batches: Batches, task: Task = CLASSIFICATION
) -> Randomness:
    """Refuse a model that cannot be trained one client at a time on batches like these; how it draws random numbers.

    Parameters
    ----------
    few : the examples to try it on, at least as many as the largest batch holds.

    Raises
    ------
    InvalidConfig
        If it has nothing to train, raises any error, answers with anything but logits, or remembers something that is
        not part of its state.
    """
    name, found = type(module).__name__, Randomness("none", "")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise InvalidConfig(f"`model`: {name} must have a parameter that requires a gradient; found none")
    for size in sorted({batches.smallest, batches.largest} - {0}):
        with refusing(name, f"train on {_batch(size, batches, config)}"):
            found = max(
                found, _step(module, few.x[:size], few.y[:size], task), key=lambda seen: SHARING.index(seen.draws)
            )
    if batches.largest:
        with refusing(name, f"take a step of {config.optimizer}"):
            _refuse_memory(module, few, batches, config, found.draws, task)
    return found


def try_evaluation(module: nn.Module, x: Tensor, classes: int, task: Task = CLASSIFICATION) -> None:
    """Refuse a model that cannot be evaluated on a batch x [n, ...].

    Raises
    ------
    InvalidConfig
        If it cannot be copied or sent as a vector, raises any error, answers with anything but the task's outputs, or
        remembers what it was asked.
    """
    name = type(module).__name__
    trial = copy_module(module).to(x.device).eval()
    with blamed(f"`model`: {name} must be one that can be sent as a vector; found", raising=InvalidConfig):
        ParameterLayout.of(trial)
    answers = []
    with refusing(name, f"accept inputs of shape {list(x.shape[1:])}{_dtype(x)}"):
        for _ in range(2):
            with torch.no_grad(), seeded(0, x.device), OwnDraws(0):
                answers.append(trial(x))
    check_outputs(name, answers[0], x, classes, task)
    if not _same(*answers):
        raise InvalidConfig(f"`model`: {name} {KEEPS}; found another answer to the same inputs")


def refusing(name: str, task: str) -> AbstractContextManager[None]:
    """Whatever a user's module raises in here is the reason to refuse it, in one sentence."""
    return blamed(f"`model`: {name} must {task}; found", raising=InvalidConfig, passing=(InvalidConfig,))


def check_outputs(name: str, answer: Any, x: Tensor, classes: int | None, task: Task) -> None:
    """Refuse what a model answers to inputs x [n, ...] if that is no output of the task.

    Raises
    ------
    InvalidConfig
        If it is not one tensor of floats of the task's shape.
    """
    wrong = task.refused(answer, x, classes)
    if wrong:
        raise InvalidConfig(f"`model`: {name} must give {wrong}")


def _step(module: nn.Module, x: Tensor, y: Tensor, task: Task) -> Randomness:
    """What a step of training on a batch draws; refuses one without gradients."""
    trial, name = copy_module(module).train(), type(module).__name__
    with seeded(0, x.device):
        watch = Watch()
        with watch.forward:
            logits = trial(x)
            check_outputs(name, logits, x, None, task)
            loss = task.loss(logits, y)
        _check_leaves(name, _leaves(loss), list(trial.parameters()))
        with watch.backward:
            torch.autograd.backward(loss)
        return watch.found(module)


def _check_leaves(name: str, leaves: list[Tensor], own: list[nn.Parameter]) -> None:
    """Refuse a loss that depends on no parameter of the module, or on anything else that could be trained."""
    if not leaves:
        raise InvalidConfig(f"`model`: {name} must have logits that follow from its parameters; found no gradient")
    if any(all(leaf is not parameter for parameter in own) for leaf in leaves):
        raise InvalidConfig(
            f"`model`: {name} must compute with its own parameters; found a tensor that has a gradient and is none "
            "of them, such as one of the original that a lambda keeps in its copies"
        )


def _leaves(loss: Tensor) -> list[Tensor]:
    """The tensors that a loss has gradients for."""
    found, seen, nodes = [], set(), [loss.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        nodes += [following for following, _ in node.next_functions]
    return found


def _refuse_memory(
    module: nn.Module, few: Examples, batches: Batches, config: LocalTraining, draws: Draws, task: Task
) -> None:
    """Train one client, another, and the first once more: its result must be the same."""
    trial = copy_module(module)
    origin = ParameterLayout.of(trial).flatten(trial)
    parts = tuple(torch.arange(size, device=few.y.device) for size in (batches.smallest, batches.largest))
    shards = Shards(few, parts, task)
    once = config.but(privacy=None, steps=1, epochs=None, batch_size=batches.largest)
    # Adam would blow up what a GPU's rounding makes of a gradient of zero.
    alike = LocalTraining(batch_size=batches.largest)
    plain, asked = (Sequential(trial, shards, how, 0, draws=draws) for how in (alike, once))
    with seeded(0, few.y.device):
        first, _, again = (
            train.train(Ticket(client, client, origin)) for train, client in ((plain, 0), (asked, 1), (plain, 0))
        )
    if not _same(first.update, again.update):
        raise InvalidConfig(
            f"`model`: {type(module).__name__} {KEEPS}; found another result where training is repeated"
        )


def _same(one: Tensor, other: Tensor) -> bool:
    scale = float(one.abs().nan_to_num().max())
    return torch.allclose(one, other, rtol=0.0, atol=SAME * scale, equal_nan=True)


def _batch(size: int, batches: Batches, config: LocalTraining) -> str:
    if size > batches.smallest:
        return f"a batch of {size} examples, the largest that occurs"
    why = f"out of {batches.held}, where `training.batch_size` is {config.batch_size}"
    return f"a batch of {size} {'example' if size == 1 else 'examples'}, the smallest that occurs ({why})"


def _dtype(x: Tensor) -> str:
    return "" if x.is_floating_point() else ", integers (convert what are no tokens to float32)"
