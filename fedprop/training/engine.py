"""Choosing how to train."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from fedprop.cores import one_thread
from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout, copy_module
from fedprop.privacy.models import refuse_leaks, refuse_leaky_layers
from fedprop.tasks import Task
from fedprop.training.agreement import SIZES, disagreement
from fedprop.training.config import Engine, LocalTraining
from fedprop.training.divided import Divided
from fedprop.training.randomness import Draws, Randomness
from fedprop.training.recipe import Recipe, one_at_a_time, stack
from fedprop.training.spread import spread
from fedprop.training.steered import astray
from fedprop.training.steering import Steering
from fedprop.training.task import Shards, Train
from fedprop.training.telling import telling_rows
from fedprop.training.trial import Batches, batches_of, try_training
from fedprop.types import ClientId

NOBODY: frozenset[ClientId] = frozenset()

STACKED_PARAMETERS = 2**17
"""On a CPU the states of larger models fill its caches one by one, and stacking them gains nothing."""


@dataclass(frozen=True)
class EngineChoice:
    """How clients will train.

    Attributes
    ----------
    kind : which engine.
    draws : where the model's random numbers come from.
    reason : why it is not the one that would have been the fastest; empty if it is, or if it was asked for.
    others : how those train that are exempt from privacy; None if nobody is.
    spread : whether they train so on the actors of a Ray cluster.
    """

    kind: Engine
    draws: Draws
    reason: str = ""
    others: "EngineChoice | None" = None
    spread: bool = False

    @property
    def name(self) -> str:
        """Which engine, and where."""
        return f"{self.kind} on ray" if self.spread else self.kind


def make_engine(
    module: nn.Module,
    shards: Shards,
    config: LocalTraining,
    seed: int,
    *,
    exempt: frozenset[ClientId] = NOBODY,
    steering: Steering | None = None,
) -> Train:
    """The training engine that `config.engine` asks for; the module is copied, and lives on the data's device.

    With `config.privacy` all clients train privately, but for those `exempt`. It trains in this process, also where
    `config.engine` has the clients of a run train elsewhere. Raises as `choose_engine` does.
    """
    choice = choose_engine(module, shards, config, exempt=bool(exempt), steering=steering)
    choice = replace(choice, spread=False)
    return build_engine(choice, module, shards, config, seed, exempt=exempt, steering=steering)


@one_thread()
@torch.enable_grad()
def choose_engine(
    module: nn.Module,
    shards: Shards,
    config: LocalTraining,
    *,
    exempt: bool = False,
    steering: Steering | None = None,
) -> EngineChoice:
    """Try a model and choose its engine; the module is left as it is.

    `ray` is `auto`, spread over a cluster. `auto` vectorises on a GPU. On a CPU it vectorises small models without
    convolutions, LSTM layers and buffers; the rest gets worker threads: stacked convolutions become slow grouped ones
    there, and a stacked LSTM goes step by step.
    Private training is vectorised everywhere: the gradient of each example is what costs, and opacus is slower at it.
    Models that draw random numbers are never vectorised, and where they share the process's generators trained one
    client at a time. Nor are those vectorised that would not learn in a stack what they learn alone, or would be
    steered otherwise by a defense: a trial shows it.

    Raises
    ------
    InvalidConfig
        If the model cannot be trained, or steered, or not privately where `config.privacy` says so. If `config.engine`
        is "vectorized" and clients would not learn what they learn alone; if it is "vectorized" or "workers" and they
        could not each have random numbers of their own.
    """
    module, x = copy_module(module).to(shards.pool.x.device), shards.pool.x
    batches = batches_of(shards, config)
    telling = telling_rows(module, x, max(batches.largest, 2 * max(SIZES)))
    few = Examples(x[telling], shards.pool.y[telling])
    if config.privacy is not None:
        _refuse_looking(steering)
        refuse_leaky_layers(module)
    found = try_training(module, few, config, batches, shards.task)
    if config.privacy is not None:
        refuse_leaks(module, few.x[: max(2 * max(SIZES), batches.smallest)])
    lost = astray(steering, ParameterLayout.of(module), x.device, module=module, few=few)
    kind, reason = _first_that_agrees(module, few, config, batches, found, lost, shards.task)
    others = None
    if config.privacy is not None and exempt:
        others = choose_engine(module, shards, config.but(privacy=None), steering=steering)
    return EngineChoice(kind, found.draws, reason, others, spread=config.engine == "ray")


def _refuse_looking(steering: Steering | None) -> None:
    if steering is not None and steering.looks:
        raise InvalidConfig(
            "`training.privacy` must be left out with a defense that looks at examples while clients train, which no "
            f"noise on gradients covers; found {type(steering).__name__}"
        )


def build_engine(
    choice: EngineChoice,
    module: nn.Module,
    shards: Shards,
    config: LocalTraining,
    seed: int,
    *,
    exempt: frozenset[ClientId] = NOBODY,
    steering: Steering | None = None,
) -> Train:
    """The engine that was chosen; the module is copied, and lives on the data's device.

    Raises `InvalidConfig` if it is to be spread over a Ray cluster, and there is no Ray, or the model cannot be sent.
    """
    module = copy_module(module).to(shards.pool.x.device)
    recipes = [Recipe.of(choice.kind, choice.draws, module, shards, config, seed, steering)]
    if (others := choice.others) is not None:
        plain = config.but(privacy=None)
        recipes.append(Recipe.of(others.kind, others.draws, module, shards, plain, seed, steering))
    trains: Sequence[Train] = spread(recipes) if choice.spread else [recipe.here() for recipe in recipes]
    return trains[0] if choice.others is None else Divided(trains[0], trains[1], exempt)


def _first_that_agrees(
    module: nn.Module,
    few: Examples,
    config: LocalTraining,
    batches: Batches,
    found: Randomness,
    lost: str,
    task: Task,
) -> tuple[Engine, str]:
    """The first engine in question that trains the model as it is defined, and why not one before it.

    `lost` tells how a defense steers clients in a stack otherwise than alone.
    """
    reason = ""
    for kind in _in_question(module, few, config, found):
        if lost and kind == "vectorized":
            reason = f"the defense does not steer clients in a stack as it does alone: {lost}"
            continue
        wrong = _wrong(kind, module, few, config, batches, found, task)
        if not wrong:
            return kind, reason
        reason = f"the model does not train in a stack as it does alone: {wrong}"
    if lost and config.engine == "vectorized":
        raise InvalidConfig(f"`engine` must not be vectorized where {reason}")
    if config.privacy is None:
        raise InvalidConfig(
            f"`engine` must not be {config.engine} for a model that does not train in a stack as it does alone; "
            f"found {wrong}"
        )
    raise InvalidConfig(
        f"`training.privacy` needs a model whose examples `engine` {config.engine} can differentiate one by one; "
        f"found {wrong}"
    )


def _in_question(module: nn.Module, few: Examples, config: LocalTraining, found: Randomness) -> list[Engine]:
    """The engines to try, the fastest first."""
    on_gpu, shared = few.x.is_cuda, found.draws == "shared"
    if config.engine in ("auto", "ray"):
        stacked = config.privacy is not None or on_gpu or _gains_from_stacking(module)
        alone: Engine = "sequential" if on_gpu or shared else "workers"
        return ["vectorized", alone] if stacked and not found.source else [alone]
    if found.source and (config.engine == "vectorized" or (config.engine == "workers" and shared)):
        raise InvalidConfig(
            f"`engine` must not be {config.engine} for a model with random layers; found {found.source}"
        )
    return [config.engine]


def _wrong(
    kind: Engine,
    module: nn.Module,
    few: Examples,
    config: LocalTraining,
    batches: Batches,
    found: Randomness,
    task: Task,
) -> str:
    """What an engine gets wrong; plain training of one client at a time is the definition."""
    if not batches.largest or (config.privacy is None and kind != "vectorized"):
        return ""

    def make(trial: nn.Module, shards: Shards, settings: LocalTraining) -> Train:
        if kind == "vectorized":
            return stack(trial, shards, settings, 0, members=len(SIZES))
        return one_at_a_time(trial, shards, settings, 0, found.draws)

    return disagreement(make, module, few, config, batches, found.draws, task)


def _gains_from_stacking(module: nn.Module) -> bool:
    """Whether a CPU is faster with stacked states."""
    layout = ParameterLayout.of(module)
    slow = any(isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.LSTM) for part in module.modules())
    return layout.size <= STACKED_PARAMETERS and not slow and not any(entry.buffer for entry in layout.entries)
