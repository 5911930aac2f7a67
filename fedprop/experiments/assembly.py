"""From an experiment to all that a simulation needs: data loaded, model built, clients and attackers dealt out."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fedprop.aggregators import Aggregator, needs_examples
from fedprop.aggregators.tolerance import tolerated
from fedprop.answers import described
from fedprop.data import Dataset, Examples, label_counts
from fedprop.defenses import LocalTest, RoundProtocol
from fedprop.errors import DataUnavailable, InvalidConfig
from fedprop.experiments.experiment import Experiment, sound_experiment
from fedprop.failures import blamed
from fedprop.kernels import check_environment
from fedprop.models.first_classes import FirstClasses
from fedprop.params import ParameterLayout, copy_module
from fedprop.privacy import Watch, Watched
from fedprop.rng import generator
from fedprop.simulation.asking import ask_extra_examples
from fedprop.simulation.enlistment import Enlisted, aims_of, enlist, shards_of
from fedprop.simulation.evaluation import BATCH
from fedprop.simulation.holdout import LocalTests, hold_out
from fedprop.simulation.optimizers import FedAvg
from fedprop.simulation.privacy import planned_noise
from fedprop.simulation.setup import Setup, holding_nothing_out
from fedprop.tasks import Task
from fedprop.training import LocalTraining, Shards
from fedprop.training.lr_schedules import check_rounds
from fedprop.training.telling import telling_rows
from fedprop.training.trial import try_evaluation

TRIED = 8
"""Examples that a model is evaluated on before anything runs; a few show whether it takes a batch, and cost little."""


def resolve(
    experiment: Experiment,
    *,
    data_dir: Path | None = None,
    dataset: Dataset | None = None,
    model: nn.Module | None = None,
) -> Setup:
    """Load the data, build the model, deal out clients and attackers: all before anything runs.

    Parameters
    ----------
    dataset, model : your own, instead of those that the experiment names.

    Raises
    ------
    InvalidConfig, DataUnavailable
        If a part is missing or does not fit the others.
    """
    check_environment()
    experiment = sound_experiment(experiment)
    device = _device(experiment.device)
    data, module = materials(experiment, data_dir=data_dir, dataset=dataset, model=model)
    data = replace(data, train=data.train.to(device), test=data.test.to(device))
    _check_labels(data, experiment.task)
    setup = _setup(experiment, _dealt(experiment, data, module), copy_module(module).to(device), device)
    _check_buffers(setup)
    return _tried(setup)


class _Dealt(NamedTuple):
    """Who holds what, and who is compromised; see `Setup`."""

    data: Dataset
    root: Examples | None
    shards: Shards
    attacks: Enlisted
    aims: Mapping[int, Examples]
    local_test: LocalTest
    probes: tuple[Watch, ...]
    counts: Tensor | None


def _dealt(experiment: Experiment, data: Dataset, module: nn.Module) -> _Dealt:
    """Deal the data out to server, clients and attackers, of whose examples the model must be able to answer all."""
    task, seed, root = experiment.task, experiment.seed, None
    extra = _extra_examples(experiment, data)
    if needs_examples(experiment.defense.asks):
        root, data = (extra, data) if extra is not None else experiment.root.split(data, generator(seed, "root"))
    _check_outputs(experiment, module, data, len(data.test), 0 if root is None else len(root))
    parts = experiment.partition.deal(*_strata(experiment, data), generator(seed, "partition"))
    held = [part.cpu() for part in parts]
    counts = label_counts(data.train.y.cpu(), held, data.classes) if task.has_classes else None
    attacks = enlist(
        experiment.attack,
        clients=experiment.clients,
        chosen=experiment.compromised,
        defense=experiment.rule,
        seed=seed,
    )
    shards = shards_of(data, [part.to(data.train.y.device) for part in parts], attacks, seed, task)
    shards, local_test = _local_test(experiment, module, shards, data)
    shards = shards if extra is None else shards.handing_out(extra)
    aims = aims_of(data, attacks, seed)
    _check_fit(module, data, task, _outputs(experiment, data), *map(len, aims.values()))
    known = (experiment.training, shards.pool, shards.parts, data.test, seed)
    probes = _probes(experiment, Watched(module, task, *known, server_rate=_server_rate(experiment)))
    return _Dealt(data, root, shards, attacks, aims, local_test, probes, counts)


def _server_rate(experiment: Experiment) -> float | None:
    """By what the server multiplies an aggregate for its step; None where its step is no multiple of that."""
    return experiment.optimizer.lr if type(experiment.optimizer) is FedAvg else None


def _setup(experiment: Experiment, dealt: _Dealt, module: nn.Module, device: torch.device) -> Setup:
    """What the experiment says, and what was dealt out, in one place."""
    limit, private = experiment.max_seconds, experiment.central_privacy
    return Setup(
        seed=experiment.seed,
        rounds=experiment.rounds,
        clients=experiment.clients,
        dataset=dealt.data,
        module=module,
        shards=dealt.shards,
        training=_planned(experiment, dealt.shards),
        rule=experiment.rule if private is None else private.chain(experiment.policy.wanted(experiment.clients)),
        # Noise begins with the first round: what one round without it gives away is never private again.
        defense_from=experiment.defense_from if private is None else 0,
        aims=dealt.aims,
        attacks=dealt.attacks,
        attack_failures=experiment.attack_failures,
        tolerated=_tolerated(experiment),
        policy=experiment.policy,
        optimizer=experiment.optimizer,
        variance_guard=experiment.variance_guard,
        network=experiment.network,
        compute=experiment.compute,
        faults=experiment.faults,
        aggregation_seconds=experiment.aggregation_seconds,
        evaluate_every=experiment.evaluate_every,
        max_seconds=float("inf") if limit is None else limit,
        device=device,
        probes=dealt.probes,
        root=dealt.root,
        central_privacy=private,
        protocol=experiment.protocol,
        local_test=dealt.local_test,
        extra_classes=extra_classes(experiment),
        numbers=experiment.numbers,
        counts=dealt.counts,
        until=experiment.until,
    )


def _tolerated(experiment: Experiment) -> int | None:
    """What the rule claims, or nothing for a protocol; a defense that cannot say, or cannot begin, is refused here."""
    defense = experiment.defense
    with blamed(f"`defense`: {type(defense).__name__} cannot begin", raising=InvalidConfig):
        defense.init()
        if isinstance(defense, Aggregator):
            return tolerated(defense, experiment.policy.fewest(experiment.clients))
        defense.rule.init()
        return None


def materials(
    experiment: Experiment,
    *,
    data_dir: Path | None = None,
    dataset: Dataset | None = None,
    model: nn.Module | None = None,
) -> tuple[Dataset, nn.Module]:
    """The data and the model of an experiment: your own, or those that it names. Raises as `resolve` does."""
    data = dataset if dataset is not None else _load_data(experiment, data_dir)
    if not isinstance(data, Dataset):
        raise InvalidConfig(f"`data` must be a Dataset, as Dataset.from_arrays makes; found {described(data)}")
    module = model if model is not None else _build_model(experiment, data)
    if not isinstance(module, nn.Module):
        raise InvalidConfig(f"`model` must be an nn.Module, not a class or a function; found {described(module)}")
    return data, module


def _tried(setup: Setup) -> Setup:
    """The setup with its engine, after a trial of the model as clients and server will train it, or its refusal."""
    setup.root_bench()  # which tries the server's own training as it is made
    setup.classifying()  # which looks for the output layer
    return replace(setup, engine=setup.choose_engine())


def _local_test(experiment: Experiment, module: nn.Module, shards: Shards, data: Dataset) -> tuple[Shards, LocalTest]:
    """What clients train on, and a test on the rest of their data, where a protocol has them begin with one."""
    protocol = experiment.protocol
    if protocol is None:
        return shards, holding_nothing_out
    with blamed(f"`defense`: {type(protocol).__name__} cannot begin", raising=InvalidConfig):
        if not protocol.test_share:
            return shards, holding_nothing_out
        train, test = hold_out(shards, protocol.test_share, experiment.seed)
    _check_fit(module, data, shards.task, _outputs(experiment, data), *test.sizes)
    asked = FirstClasses(module, data.classes) if protocol.extra_classes else module
    return train, LocalTests(asked, test)


def extra_classes(experiment: Experiment) -> int:
    """For how many classes beside those of the data the model must have outputs."""
    return 0 if experiment.protocol is None else experiment.protocol.extra_classes


def _outputs(experiment: Experiment, data: Dataset) -> int:
    """How many outputs the model must have."""
    return data.classes + extra_classes(experiment)


def _extra_examples(experiment: Experiment, data: Dataset) -> Examples | None:
    """What a protocol hands out to all clients."""
    protocol = experiment.protocol
    if protocol is None or type(protocol).extra_examples is RoundProtocol.extra_examples:
        return None
    # A copy: a protocol that writes into it must not change what everybody is tested on.
    draw = generator(experiment.seed, "extra examples")
    return ask_extra_examples(protocol, data.test.x.clone(), data.classes, draw)


def _check_labels(data: Dataset, task: Task) -> None:
    """Refuse data whose labels are not what the task learns."""
    if (data.sequences, data.vectors) != (task.sequences, task.vectors):
        wanted = "a label for each position of an input, [n, T]" if task.sequences else "a label for each example, [n]"
        wanted = "a vector of numbers for each example, float32 [n, k]" if task.vectors else wanted
        found = f"{data.name} with labels {list(data.train.y.shape)}"
        raise InvalidConfig(f"`data` must have {wanted}, for `task` {task.kind}; found {found}")
    for part in (data.train, data.test):
        if wrong := task.misfit(part.y):
            raise InvalidConfig(f"`data` must have, for `task` {task.kind}, {wrong}")


def _strata(experiment: Experiment, data: Dataset) -> tuple[Tensor, int, int]:
    """What the partition deals by, among how many clients, and how many sorts there are."""
    partition, users = experiment.partition, data.train.users
    if not partition.by_user:
        labels, sorts = experiment.task.strata(data.train.y, data.classes)
        return labels, experiment.clients, sorts
    if users is None:
        wanted = f"must say whose each example is for {type(partition).__name__}, as `kind: shakespeare` does"
        raise InvalidConfig(f"`data` {wanted}; found {data.name}, which does not")
    return users, experiment.clients, int(users.max()) + 1


def _probes(experiment: Experiment, run: Watched) -> tuple[Watch, ...]:
    """Whoever looks at the run; a probe of one's own that cannot begin is named."""
    watching = []
    for probe in experiment.inference:
        name = type(probe).__name__
        with blamed(f"`inference`: {name} cannot begin", raising=InvalidConfig, passing=(InvalidConfig,)):
            watching.append(probe.watch(run))
    return tuple(watching)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidConfig(f"`device` must name a torch device such as cpu or cuda; found {name!r}") from None
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError):
        raise InvalidConfig(f"`device` must be available on this machine; torch cannot use {name!r} here") from None
    return device


def _load_data(experiment: Experiment, data_dir: Path | None) -> Dataset:
    if experiment.data is None:
        raise InvalidConfig("`data` is required unless a dataset is passed to `run`")
    name = type(experiment.data).__name__
    with blamed(f"`data`: {name} failed to load", raising=InvalidConfig, passing=(InvalidConfig, DataUnavailable)):
        return experiment.data.load(data_dir, experiment.seed)


def _build_model(experiment: Experiment, data: Dataset) -> nn.Module:
    if experiment.model is None:
        raise InvalidConfig("`model` is required unless a module is passed to `run`")
    name = type(experiment.model).__name__
    with blamed(f"`model`: {name} failed to build", raising=InvalidConfig, passing=(InvalidConfig,)):
        return experiment.model.build(data.shape, _outputs(experiment, data), experiment.seed)


def _check_outputs(experiment: Experiment, module: nn.Module, data: Dataset, *counts: int) -> None:
    """As `_check_fit`; where a protocol asks for more outputs than there are classes, a refusal says so."""
    try:
        _check_fit(module, data, experiment.task, _outputs(experiment, data), *counts)
    except InvalidConfig as error:
        if not (extra := extra_classes(experiment)):
            raise
        added = f"{type(experiment.protocol).__name__} adds {extra} to the {data.classes} classes of the data"
        raise InvalidConfig(f"{error} ({added}: named models follow, one of your own must have the outputs)") from None


def _check_fit(module: nn.Module, data: Dataset, task: Task, outputs: int, *counts: int) -> None:
    """Refuse a model that cannot answer so many examples, batch by batch, before anything runs."""
    last = {(count - 1) % BATCH + 1 for count in counts if count}
    telling = telling_rows(module, data.test.x, TRIED)
    for size in sorted({min(size, len(telling)) for size in last and {min(last), TRIED}}):
        try_evaluation(module, data.test.x[telling[:size]], outputs, task)


def _planned(experiment: Experiment, shards: Shards) -> LocalTraining:
    """The training with its noise worked out, where it aims at an epsilon."""
    training, privacy = experiment.training, experiment.training.privacy
    check_rounds(training.lr_schedule, experiment.rounds)
    if privacy is None:
        return training
    sigma = planned_noise(training, privacy, shards.sizes, privacy.tasks or experiment.rounds)
    known = {"noise_multiplier": sigma, "target_epsilon": None, "tasks": None}
    return experiment.but(**{f"training.privacy.{name}": value for name, value in known.items()}).training


def _check_buffers(setup: Setup) -> None:
    """Refuse noise on buffers, where a negative variance would be the end of a model, and a guard of nothing."""
    layout = ParameterLayout.of(setup.module)
    buffers = [entry.name for entry in layout.entries if entry.buffer]
    if setup.central_privacy is not None and buffers:
        raise InvalidConfig(
            f"`central_privacy` needs a model without buffers, such as one with GroupNorm in place of BatchNorm; "
            f"found {buffers[0]!r}"
        )
    if setup.variance_guard and not bool(layout.variances.any()):
        raise InvalidConfig("`variance_guard` needs a model with running variances, such as BatchNorm's; found none")
