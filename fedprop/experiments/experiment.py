"""One experiment: a frozen model that one YAML file describes completely."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from fedprop.aggregators import Aggregator, Mean
from fedprop.attacks import ATTACKS, Attack, NoAttack
from fedprop.data import DATASETS, IID, PARTITIONS, DatasetSpec, Partition
from fedprop.data.root import RootData
from fedprop.defenses import DefenseChoice, RoundProtocol
from fedprop.defenses.said import misstated
from fedprop.errors import InvalidConfig
from fedprop.experiments.asynchrony import in_rounds_alone, without_effect
from fedprop.experiments.config_file import override, read_mapping
from fedprop.metrics import Metrics, Number, repeated, standing
from fedprop.models import MODELS, ModelSpec
from fedprop.network import Compute, Faults, Network
from fedprop.privacy import CentralPrivacy, Probes
from fedprop.registry import several
from fedprop.settings import sound, validate
from fedprop.simulation.ending import Until
from fedprop.simulation.enlistment import idle, uneven
from fedprop.simulation.optimizers import AnyOptimizer, FedAvg
from fedprop.simulation.policies import AnyPolicy, Synchronous
from fedprop.tasks import CLASSIFICATION, TASKS, Task
from fedprop.training import LocalTraining
from fedprop.types import Frozen, NonNegative, Positive

_Attack: TypeAlias = Annotated[Attack, ATTACKS]
_Attacks: TypeAlias = tuple[_Attack, ...]
Attacks: TypeAlias = Annotated[_Attacks, BeforeValidator(several, json_schema_input_type=_Attack | _Attacks)]
"""Several attacks; in a file one may stand without a list around it."""

Seed: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
"""Names all random streams of a run."""


class Experiment(Frozen):
    """What to simulate.

    Attributes
    ----------
    name : names the run and its folder.
    seed : the only source of randomness: data split, partition, model, clients, network, attacks.
    rounds : how often the server aggregates (or tries to).
    clients : how many there are; the attacks' shares are shares of these.
    data, model : by name; leave them out to pass your own to `run`.
    task : what is learnt: to tell classes apart, or the next token of a text.
    partition : how the training data is spread over the clients.
    root : the examples the server keeps for itself, where the defense needs some; else it keeps none.
    training : what a client does with an invitation.
    defense : a rule, a list of stages, a rule and postprocessors, or a protocol that the clients take part in.
    central_privacy : the server clips updates and adds noise to their mean; None for nothing. Clients that protect
        themselves do so by `training.privacy`.
    defense_from : the round in which the server begins to defend itself; before that it takes the plain mean (Guo et
        al. 2024, section 5.9).
    attack : one attack, or several, each with its `share` of the clients.
    compromised : which clients the attacks hold: drawn at `random`, or the `first` ones. Partitions that form groups
        number clients group by group, so `first` compromises whole groups (as Fang et al. 2020 do, section 3.1).
    attack_failures : what becomes of a run in which an attack fails, since its code or its answer is wrong. `stop`: the
        run fails, and says so. `honest`: the attack's clients answer honestly that time, which is counted and shown.
    policy : when the server invites, waits and aggregates.
    optimizer : how the aggregate moves the global model.
    variance_guard : whether a running variance (BatchNorm's) stays as it is where a step of the server's would take it
        below zero. No honest model has such a variance, and a model with one answers NaN.
    network, compute, faults : who is slow, late or lost.
    aggregation_seconds : simulated time one aggregation takes.
    evaluate_every : rounds between two evaluations on the test set.
    metrics : what is measured or told beside the numbers of every run, by name.
    max_seconds : no round starts after this much simulated time; None for no limit.
    until : the run ends as soon as an evaluation fulfils this; None for no such end. (It looks at the test set, and so
        does whoever chooses by `keep_best`: what they choose looks better there than it is.)
    keep_best : whether a run on disk keeps the model of the best test accuracy, too, as `best.safetensors`; of equal
        ones the earliest.
    inference : probes, who try to learn from the models what they were trained on. They change nothing else.
    device : where models are trained and updates aggregated, for example `cpu` or `cuda`.
    checkpoint_every : rounds between two checkpoints of a run on disk; 0 for none.
    keep_events : whether a run on disk keeps every event (for timelines), or only rounds and totals.
    """

    name: Annotated[str, Field(min_length=1, pattern=r"^\w[\w .,+=()-]*$")] = "experiment"
    seed: Seed = 0
    rounds: PositiveInt
    clients: PositiveInt
    data: Annotated[DatasetSpec, DATASETS] | None = None
    model: Annotated[ModelSpec, MODELS] | None = None
    partition: Annotated[Partition, PARTITIONS] = IID()
    root: RootData = RootData()
    task: Annotated[Task, TASKS] = CLASSIFICATION
    training: LocalTraining = LocalTraining()
    defense: DefenseChoice = Mean()
    central_privacy: CentralPrivacy | None = None
    defense_from: NonNegativeInt = 0
    attack: Attacks = (NoAttack(),)
    compromised: Literal["random", "first"] = "random"
    attack_failures: Literal["stop", "honest"] = "stop"
    policy: AnyPolicy = Synchronous()
    optimizer: AnyOptimizer = FedAvg()
    variance_guard: bool = False
    network: Network = Network()
    compute: Compute = Compute()
    faults: Faults = Faults()
    aggregation_seconds: NonNegative = 0.0
    evaluate_every: PositiveInt = 1
    metrics: Metrics = ()
    max_seconds: Positive | None = None
    until: Until | None = None
    keep_best: bool = False
    inference: Probes = ()
    device: str = "cpu"
    checkpoint_every: NonNegativeInt = 1
    keep_events: bool = True

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        parts = self._policy, self._defense, self._protocol, self._shares, self._begins
        return *parts, self._tasks, self._central, self._metrics, self._classes, self._until

    def _policy(self) -> Iterator[str]:
        silent = {
            "network.loss": self.network.loss,
            "faults.dropout": self.faults.dropout,
            "faults.outages": float(self.faults.outages is not None),
        }
        yield from self.policy.problems(self.clients, [name for name, value in silent.items() if value])

    def _defense(self) -> Iterator[str]:
        if told := misstated(self.defense):
            yield f"`defense`: {told}"
            return
        yield from self._rows()
        yield from in_rounds_alone(self.defense, self.policy)
        if self.defense_from == 0:  # before it begins the plain mean looks at lengths
            yield from without_effect(self.rule, self.policy)

    def _rows(self) -> Iterator[str]:
        rows = self.policy.fewest(self.clients)
        if rows >= self.rule.min_rows:
            return
        f = getattr(self.rule, "f", None)
        found = f"n={rows}" if f is None else f"n={rows}, f={f}"
        yield (
            f"`defense`: {type(self.rule).__name__} needs {self.rule.requirement()}, "
            f"and the policy may aggregate as few as {rows} updates (see {self.policy.deciding}); found {found}"
        )

    def _protocol(self) -> Iterator[str]:
        if self.protocol is None:
            return
        if self.optimizer.reads_lengths and self.protocol.fills("select", "begin", "screen", "aggregate"):
            name = type(self.protocol).__name__
            yield (
                f"`optimizer` must not rescale by steps for {name}: an update then is more than its steps, since "
                f"clients may start, and the server may fall back, elsewhere; found {type(self.optimizer).__name__}"
            )

    def _shares(self) -> Iterator[str]:
        return uneven(self.attack, self.clients)

    def _begins(self) -> Iterator[str]:
        yield from idle(self.attack, self.rounds)
        if self.defense_from >= self.rounds:
            rounds = f"`rounds`, {self.rounds}"
            yield f"`defense_from` must be below {rounds}, or the defense never begins; found {self.defense_from}"

    def _metrics(self) -> Iterator[str]:
        return repeated(self.metrics)

    def _classes(self) -> Iterator[str]:
        """Who looks at classes, or adds some, where what is learnt has none."""
        if self.task.has_classes:
            return
        if self.protocol is not None and self.protocol.extra_classes:
            name, more = type(self.protocol).__name__, f"adds {self.protocol.extra_classes} to the classes of the data"
            yield f"`defense`: {name} {more}, so `task` must tell classes apart; found {self.task.kind}"
        asked: dict[str, list[type]] = {
            "attack": [type(attack) for attack in self.attack if attack.needs_classes],
            "metrics": [type(number) for number in self.metrics if number.needs_classes],
            "inference": [type(probe) for probe in self.inference if probe.needs_classes],
        }
        for name, classes in asked.items():
            for cls in classes:
                wanted = "a `task` that tells classes apart, such as classification"
                yield f"`{name}`: {cls.__name__} needs {wanted}; found {self.task.kind}"

    def _until(self) -> Iterator[str]:
        if self.until is not None and self.evaluate_every >= self.rounds:
            rounds = f"`rounds`, {self.rounds}"
            yield f"`until` needs evaluations on the way: `evaluate_every` below {rounds}; found {self.evaluate_every}"

    def _tasks(self) -> Iterator[str]:
        private = self.training.privacy
        if private is not None and private.target_epsilon is not None and private.tasks is None and self.asynchronous:
            yield "`training.privacy.tasks` must be set where no rounds limit how often a client trains; found null"

    def _central(self) -> Iterator[str]:
        if self.central_privacy is None:
            return
        name = "`central_privacy`"
        if self.training.privacy is not None:
            yield f"{name} and `training.privacy` protect different things and must not be mixed; found both"
        if self.asynchronous:
            yield f"{name} needs `policy.kind` synchronous; found {self.policy.kind}"
        if self.defense != Mean():
            yield f"{name} takes the mean of clipped updates itself, so `defense` must be mean; found {self.defense!r}"
        if self.optimizer.reads_lengths:
            found = type(self.optimizer).__name__
            yield f"{name} must not be scaled by what clients claim, as `optimizer` does; found {found}"

    @property
    def protocol(self) -> RoundProtocol | None:
        """The defense, if it is one that clients take part in."""
        return self.defense if isinstance(self.defense, RoundProtocol) else None

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All that is told of a run: the numbers of every one, those asked for, and those of its parts."""
        of_parts = () if self.protocol is None else self.protocol.numbers
        probed = [number for probe in self.inference for number in probe.numbers]
        every = (*standing(), *self.task.numbers, *self.metrics, *of_parts, *probed)
        return tuple({number.kind: number for number in every}.values())

    @property
    def rule(self) -> Aggregator:
        """What aggregates."""
        return self.defense.rule if isinstance(self.defense, RoundProtocol) else self.defense

    @property
    def asynchronous(self) -> bool:
        """Whether the server aggregates as updates come, instead of in rounds."""
        return not self.policy.synchronous


def sound_experiment(value: Any) -> Experiment:
    """`value`, if it is an experiment that is right all through, however it was made.

    Raises
    ------
    InvalidConfig
        If it is anything else, with one line for each mistake.
    """
    return sound(Experiment, value, "experiment", "which `load_experiment` reads from a file")


def load_experiment(path: Path, assignments: Sequence[str] = ()) -> Experiment:
    """The experiment in a YAML file, with `a.b=YAML` assignments made first.

    Raises
    ------
    InvalidConfig
        If anything about it is wrong, with the path, the rule and the value found.
    """
    return parse_experiment(override(read_mapping(path), assignments), str(path))


def parse_experiment(settings: Mapping[str, Any], origin: str) -> Experiment:
    """The experiment that settings from a file describe; `origin` names the file. Raises as `load_experiment` does."""
    if "axes" in settings or "base" in settings:
        raise InvalidConfig(f"{origin} holds a sweep: `fedprop sweep` runs it, and `load_sweep` reads it")
    return validate(Experiment, dict(settings), origin)
