"""What of an experiment a Flower app can carry, and what it cannot."""

from collections.abc import Iterator, Mapping
from typing import Any

from fedprop.attacks import NoAttack
from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.flower.mods import attack_mod
from fedprop.flower.rounds import refuse_classifier
from fedprop.simulation.optimizers import FedAvg
from fedprop.simulation.policies import Synchronous

SIMULATED = ("network", "compute", "faults", "aggregation_seconds", "checkpoint_every", "keep_events")
"""Settings of the simulated world and of what is kept of it: devices bring their own, so an app does without them."""


def refuse_unexportable(experiment: Experiment, settings: Mapping[str, Any]) -> None:
    """Refuse what would have no effect, or another one, in a Flower app; `settings` is the experiment as written.

    Raises
    ------
    InvalidConfig
        With a sentence for each of them.
    """
    if wrong := [*_parts(experiment), *_effects(experiment), *_attacks(experiment), *_places(settings, "")]:
        raise InvalidConfig("\n".join(f"{sentence} (export-flower)" for sentence in wrong))


def _parts(experiment: Experiment) -> Iterator[str]:
    """Parts of another kind than an app has."""
    missing = [name for name in ("data", "model") if getattr(experiment, name) is None]
    for name in missing:
        yield f"`{name}` must be named for nodes to load it; found none"
    policy, optimizer = experiment.policy, experiment.optimizer
    if not isinstance(policy, Synchronous):
        yield f"`policy.kind` must be synchronous, since Flower's strategies work in rounds; found {policy.kind}"
    elif policy.over_selection > 1 or policy.min_updates is not None:
        yield (
            "`policy` must leave out `over_selection` and `min_updates`, since Flower waits for all that it asks; "
            f"found {policy.over_selection:g} and {policy.min_updates}"
        )
    if experiment.protocol is not None:
        name = type(experiment.protocol).__name__
        yield f"`defense` must be a rule or a chain, not a protocol that clients take part in; found {name}"
    else:
        try:
            refuse_classifier(experiment.rule)
        except InvalidConfig as error:
            yield str(error)
    if optimizer != FedAvg():
        yield f"`optimizer` must be fedavg with lr 1, as `RuleStrategy` moves the model; found {optimizer!r}"


def _effects(experiment: Experiment) -> Iterator[str]:
    """Settings that would have no effect."""
    if experiment.central_privacy is not None or experiment.training.privacy is not None:
        yield (
            "`central_privacy` and `training.privacy` must be left out, since their noise follows from the seed, "
            "which every node has; found one of them"
        )
    if experiment.defense_from:
        yield f"`defense_from` must be 0, since a strategy has one rule; found {experiment.defense_from}"
    if experiment.variance_guard:
        yield "`variance_guard` must be false, since a strategy moves the model by what its rule answers; found true"
    ends = {"max_seconds": experiment.max_seconds, "until": experiment.until}
    for name, found in ends.items():
        if found is not None:
            yield f"`{name}` must be left out, since a strategy plays all of its rounds; found {found!r}"
    if experiment.inference:
        yield "`inference` must be left out, since probes watch simulated runs alone; found some"
    if experiment.keep_best:
        yield "`keep_best` must be false, since an app keeps the last model; found true"


def _attacks(experiment: Experiment) -> Iterator[str]:
    """Attacks that a node cannot make by itself."""
    for attack in experiment.attack:
        if isinstance(attack, NoAttack):
            continue
        name = type(attack).__name__
        if attack.speed != 1:
            yield f"`speed` must be 1 for {name}, since a device is as fast as it is; found {attack.speed:g}"
        try:
            attack_mod(attack, received=experiment.clients, defense=experiment.rule, poisoned=True)
        except InvalidConfig as error:
            yield str(error)


def _places(value: Any, path: str) -> Iterator[str]:
    """Kinds that stand in a file of one's own, which the app would not carry."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        where = f"{path}.{name}" if path else str(name)
        if isinstance(part, str) and ".py:" in part:
            yield (
                f"`{where}` must be a kind that every node can import, such as package.module:Name; found {part!r}, "
                "a file that the app would not carry"
            )
        yield from _places(part, where)
