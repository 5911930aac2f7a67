"""Choosing how to train."""

import copy

from torch import nn

from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.privacy.models import refuse_leaks
from fedprop.training.channels_last import store_channels_last
from fedprop.training.config import Engine, LocalTraining
from fedprop.training.divided import Divided
from fedprop.training.memory import clients_that_fit
from fedprop.training.private_vectorized import PrivateVectorized
from fedprop.training.randomness import find_randomness
from fedprop.training.sequential import Sequential
from fedprop.training.task import Shards, Train
from fedprop.training.vectorized import Vectorized
from fedprop.training.workers import Workers
from fedprop.types import ClientId

NOBODY: frozenset[ClientId] = frozenset()

STACKED_PARAMETERS = 2**17
"""On a CPU the states of larger models fill its caches one by one, and stacking them gains nothing."""


def make_engine(
    module: nn.Module,
    shards: Shards,
    config: LocalTraining,
    seed: int,
    *,
    exempt: frozenset[ClientId] = NOBODY,
) -> Train:
    """The training engine that `config.engine` asks for; the module is copied, and lives on the data's device.

    `auto` trains models that draw random numbers one client at a time, and vectorises all others on a GPU. On a CPU it
    vectorises small models without convolutions and buffers. The rest gets worker threads: stacked convolutions become
    slow grouped ones there. Private training is vectorised everywhere: the gradient of each example is what costs, and
    opacus is slower at it.

    With `config.privacy` all clients train privately, but for those `exempt`.

    Raises
    ------
    InvalidConfig
        If `config.engine` is "vectorized" or "workers" and the model draws random numbers: clients that train at the
        same time could not each have a stream of their own. If training is private and the model cannot be.
    """
    module = copy.deepcopy(module).to(shards.pool.x.device)
    if config.privacy is None:
        return _engine(module, shards, config, seed)
    refuse_leaks(module, shards.pool.x)
    private = _engine(module, shards, config, seed)
    if not exempt:
        return private
    return Divided(private, _engine(module, shards, config.but(privacy=None), seed), exempt)


def _engine(module: nn.Module, shards: Shards, config: LocalTraining, seed: int) -> Train:
    """One engine for all clients; the module is copied."""
    module = copy.deepcopy(module)
    source = find_randomness(module, shards.pool.x)
    if source and config.engine in ("vectorized", "workers"):
        raise InvalidConfig(f"`engine` must not be {config.engine} for a model with random layers; found {source}")
    kind = _pick(module, shards, config, source) if config.engine == "auto" else config.engine
    if kind == "vectorized":
        return _vectorized(module, shards, config, seed)
    store_channels_last(module, shards.pool.x)
    if kind == "workers":
        return Workers(lambda: _sequential(copy.deepcopy(module), shards, config, seed, random=False))
    return _sequential(module, shards, config, seed, random=bool(source))


def _sequential(module: nn.Module, shards: Shards, config: LocalTraining, seed: int, *, random: bool) -> Train:
    if config.privacy is None:
        return Sequential(module, shards, config, seed, random=random)
    from fedprop.training.private_sequential import PrivateSequential  # imports opacus

    return PrivateSequential(module, shards, config, seed, privacy=config.privacy, random=random)


def _vectorized(module: nn.Module, shards: Shards, config: LocalTraining, seed: int) -> Train:
    """One stack on a GPU; on a CPU a stack for each worker, none so large that it falls out of the caches."""
    members = clients_that_fit(module, shards.pool.x, config)

    def make() -> Vectorized:
        own = copy.deepcopy(module)
        if config.privacy is None:
            return Vectorized(own, shards, config, seed, members=members)
        return PrivateVectorized(own, shards, config, seed, privacy=config.privacy, members=members)

    return make() if shards.pool.x.is_cuda else Workers(make, together=members)


def _pick(module: nn.Module, shards: Shards, config: LocalTraining, source: str) -> Engine:
    if source:
        return "sequential"
    stacked = config.privacy is not None or shards.pool.x.is_cuda or _gains_from_stacking(module)
    return "vectorized" if stacked else "workers"


def _gains_from_stacking(module: nn.Module) -> bool:
    """Whether a CPU is faster with stacked states."""
    layout = ParameterLayout.of(module)
    convolves = any(isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d) for part in module.modules())
    return layout.size <= STACKED_PARAMETERS and not convolves and not any(entry.buffer for entry in layout.entries)
