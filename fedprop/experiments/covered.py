"""Whether CRFL's certificate covers a run: what of an experiment its theorem does not speak of."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from fedprop.aggregators import GaussianNoise, Mean, ModelClipping, Pipeline
from fedprop.attacks import NoAttack
from fedprop.defenses.crfl import Certificate, Conditions
from fedprop.experiments.experiment import Experiment
from fedprop.params import ParameterLayout
from fedprop.simulation.optimizers import FedAvg
from fedprop.simulation.policies import Synchronous
from fedprop.simulation.setup import Setup
from fedprop.tasks import Classification
from fedprop.training import LocalTraining


class Crfl(NamedTuple):
    """CRFL's training: a mean, the model clipped, noise."""

    rule: Mean
    clipping: ModelClipping
    noise: GaussianNoise


def crfl_of(experiment: Experiment) -> Crfl | None:
    """The parts of a defense that is CRFL's training, in its order; None for any other."""
    parts = experiment.defense.parts if isinstance(experiment.defense, Pipeline) else ()
    match parts:
        case (Mean() as rule, ModelClipping() as clipping, GaussianNoise() as noise) if _exactly(parts):
            return Crfl(rule, clipping, noise)
    return None


def _exactly(parts: Sequence[object]) -> bool:
    """Whether none is of a class derived from these, which may do something else."""
    return [*map(type, parts)] == [Mean, ModelClipping, GaussianNoise]


def not_covered(experiment: Experiment, setup: Setup) -> Iterator[str]:
    """Each reason why nothing can be certified: the setting, the rule, and what was found."""
    yield from _chain(experiment)
    yield from _server(experiment)
    yield from _clients(experiment.training)
    yield from _model(setup)


def _chain(experiment: Experiment) -> Iterator[str]:
    found = crfl_of(experiment)
    if found is None:
        kinds = ", ".join(part.kind for part in getattr(experiment.defense, "parts", (experiment.defense,)))
        yield f"`defense` must be mean, model_clipping, gaussian_noise, in this order; found {kinds}"
        return
    if found.rule != Mean():
        yield f"`defense`: the mean must be plain, each client with the same weight; found {found.rule!r}"
    if found.noise.rounds != experiment.rounds:
        wanted = f"`rounds` {experiment.rounds}, so that the finished model has none"
        yield f"`defense`: gaussian_noise must have {wanted}; found {found.noise.rounds}"


def _server(experiment: Experiment) -> Iterator[str]:
    if any(type(attack) is not NoAttack for attack in experiment.attack):
        kinds = ", ".join(attack.kind for attack in experiment.attack)
        yield f"`attack` must be none: certified is what could have been done to the data of this run; found {kinds}"
    if experiment.central_privacy is not None:
        yield "`central_privacy` must be null, since it aggregates otherwise; found some"
    if experiment.defense_from:
        yield f"`defense_from` must be 0, so that every round is clipped; found {experiment.defense_from}"
    if experiment.optimizer != FedAvg():
        yield f"`optimizer` must be fedavg with `lr` 1, which takes what was clipped; found {experiment.optimizer!r}"
    policy = experiment.policy
    if type(policy) is not Synchronous or policy.deadline is not None or policy.over_selection != 1.0:
        wanted = "synchronous, without `deadline` and `over_selection`, so that each client's weight is known"
        yield f"`policy` must be {wanted}; found {policy!r}"


def _clients(training: LocalTraining) -> Iterator[str]:
    plain = LocalTraining()
    for name in ("optimizer", "momentum", "weight_decay", "proximal", "clip_norm", "privacy"):
        if getattr(training, name) != getattr(plain, name):
            wanted = f"{getattr(plain, name)}: clients must take plain steps"
            yield f"`training.{name}` must be {wanted}; found {getattr(training, name)!r}"


def _model(setup: Setup) -> Iterator[str]:
    if type(setup.shards.task) is not Classification:
        yield f"`task` must be classification; found {setup.shards.task.kind}"
    layers = [part for part in setup.module.modules() if not isinstance(part, nn.Sequential | nn.Flatten)]
    if [type(layer) for layer in layers] != [nn.Linear] or not ParameterLayout.of(setup.module).trainable.all():
        names = ", ".join(type(layer).__name__ for layer in layers)
        yield f"`model` must be multi-class logistic regression, one linear layer of the inputs; found {names}"


def conditions(experiment: Experiment, setup: Setup, against: Certificate) -> Conditions:
    """What a covered run was trained under; half of `alpha` pays for the lengths of the noise on models sent."""
    found = crfl_of(experiment)
    assert found is not None, "asked of a run that is not covered"
    training, rounds = experiment.training, range(experiment.rounds)
    parameters = ParameterLayout.of(setup.module).flatten(setup.module)
    noisy = found.noise.std * _longest_noise(len(parameters), against.alpha / 2 / experiment.rounds)
    return Conditions(
        std=found.noise.std,
        weight=1 / experiment.policy.wanted(experiment.clients),
        rate=max(training.rate(round) for round in rounds),
        steps=max(map(training.count_steps, setup.shards.sizes)),
        length=_longest_input(setup),
        start=max([float(parameters.norm()), *(found.clipping.bound(round) + noisy for round in rounds[:-1])]),
    )


def _longest_input(setup: Setup) -> float:
    """The length of the longest input that a client holds, with a 1 for the bias."""
    held: Tensor = setup.shards.pool.x[setup.shards.held]
    return math.hypot(float(held.flatten(1).double().norm(dim=1).max()), 1.0)


def _longest_noise(size: int, failure: float) -> float:
    """What the length of standard normal noise [size] exceeds with this probability."""
    from scipy.stats import chi2  # which takes a while to import

    return math.sqrt(chi2.ppf(1 - failure, size))
