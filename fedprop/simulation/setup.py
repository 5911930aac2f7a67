"""All that a simulation needs, ready to run: what an experiment's names stand for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from fedprop.aggregators.base import Aggregator
from fedprop.attacks.base import Attack
from fedprop.data.base import Dataset, Examples
from fedprop.defenses import LocalTest, RoundProtocol, Step
from fedprop.metrics import Number
from fedprop.models.first_classes import FirstClasses
from fedprop.network import Compute, Faults, Network
from fedprop.privacy import Watch
from fedprop.privacy.central import CentralPrivacy
from fedprop.rng import uniform
from fedprop.simulation.classifying import Classifying
from fedprop.simulation.ending import Until
from fedprop.simulation.optimizers import ServerOptimizer
from fedprop.simulation.policies import Policy
from fedprop.simulation.root import RootBench
from fedprop.training.config import LocalTraining
from fedprop.training.engine import EngineChoice, build_engine, choose_engine
from fedprop.training.steering import Steering
from fedprop.training.task import Shards, Train
from fedprop.types import ClientId, Round, Seconds, Vector


def holding_nothing_out(client: ClientId, parameters: Vector) -> None:
    """The test of a client that keeps no examples for one."""
    return


@dataclass(frozen=True)
class Setup:
    """One simulation, resolved.

    Attributes
    ----------
    module : the model, holding the initial global parameters.
    extra_classes : for how many classes beside those of the data it has outputs.
    shards : every client's training data, poisoned already where an attack says so.
    rule : what aggregates.
    aims : the inputs that an attack wants misclassified, with the labels it wants for them, by its place in `attacks`.
    defense_from : before this round the server takes the plain mean.
    attacks : each with the clients it holds.
    attack_failures : what becomes of a run in which one of them fails.
    tolerated : how many of the fewest updates that are aggregated together may be Byzantine, by the defense's own word;
        None for one that claims nothing.
    aggregation_seconds : simulated time the server needs for one aggregation.
    evaluate_every : rounds between evaluations; the last round is always evaluated.
    max_seconds : simulated time after which no new round starts.
    probes : look at every round as it closes.
    root : the server's own examples, those that a protocol handed out to all if it made some; None if the defense needs
        none.
    central_privacy : what the clients' privacy is accounted by where `rule` adds the noise; None for nothing.
    protocol : what clients and server do besides; None for a defense that is no more than its rule.
    local_test : how good a model is on what a client holds out, for a protocol that asks.
    numbers : what is told of the run and its models.
    counts : how many examples of each class each client was dealt, [clients, classes]; None where there are no classes.
    until : what ends the run before its rounds are over; None for nothing.
    variance_guard : whether no step may take a running variance below zero.
    engine : how clients train; None to find out as the simulation begins.
    """

    seed: int
    rounds: int
    clients: int
    dataset: Dataset
    module: nn.Module
    shards: Shards
    training: LocalTraining
    rule: Aggregator
    attacks: tuple[tuple[Attack, frozenset[ClientId]], ...]
    policy: Policy
    optimizer: ServerOptimizer
    network: Network
    compute: Compute
    faults: Faults
    aggregation_seconds: Seconds
    evaluate_every: int
    max_seconds: Seconds
    device: torch.device
    probes: tuple[Watch, ...] = ()
    root: Examples | None = None
    aims: Mapping[int, Examples] = field(default_factory=dict)
    defense_from: Round = 0
    central_privacy: CentralPrivacy | None = None
    protocol: RoundProtocol | None = None
    local_test: LocalTest = holding_nothing_out
    extra_classes: int = 0
    numbers: tuple[Number, ...] = ()
    counts: Tensor | None = None
    until: Until | None = None
    attack_failures: Literal["stop", "honest"] = "stop"
    tolerated: int | None = None
    variance_guard: bool = False
    engine: EngineChoice | None = None

    def make_engine(self) -> Train:
        """What trains the clients."""
        return build_engine(
            self.engine or self.choose_engine(),
            self.module,
            self.shards,
            self.training,
            self.seed,
            exempt=self.exempt,
            steering=self.steering,
        )

    def choose_engine(self) -> EngineChoice:
        """How clients are to train, after a trial of the model; raises as `fedprop.training.engine.choose_engine`."""
        exempt = bool(self.exempt)
        return choose_engine(self.module, self.shards, self.training, exempt=exempt, steering=self.steering)

    @property
    def tested(self) -> nn.Module:
        """The model as it is tested: over the classes of the data alone."""
        return FirstClasses(self.module, self.dataset.classes) if self.extra_classes else self.module

    @property
    def steering(self) -> Steering | None:
        """What a protocol has clients do within local training."""
        return None if self.protocol is None else self.protocol.train()

    def has(self, *steps: Step) -> bool:
        """Whether a protocol does anything in one of these steps."""
        return self.protocol is not None and self.protocol.fills(*steps)

    def defending(self, step: Step, round: Round) -> RoundProtocol | None:
        """The protocol, if it does anything in this step of the server's, and the server defends itself by then."""
        protocol = self.protocol
        return protocol if protocol is not None and round >= self.defense_from and protocol.fills(step) else None

    def root_bench(self) -> RootBench | None:
        """What tests and trains models on the server's own examples, if it has any."""
        if self.root is None:
            return None
        task = self.shards.task
        return RootBench(self.module, self.root, self.training, seed=self.seed, trainer=self.clients, task=task)

    def classifying(self) -> Classifying | None:
        """The model as a classifier, if the rule asks for it. Raises `InvalidConfig` if it is none."""
        if "classifier" not in self.rule.asks:
            return None
        outputs = self.dataset.classes + self.extra_classes
        return Classifying(self.module, self.dataset.test, outputs, self.shards.task)

    def attacking(self, index: int, round: Round) -> bool:
        """Whether the attack at this place is on in the tasks given out in a round."""
        return self.attacks[index][0].rounds.on(round, uniform(self.seed, "attack rounds", index, round))

    @property
    def draws(self) -> str:
        """The role of the stream that aggregation draws from; private noise keeps the one that it has always had."""
        return "aggregation" if self.central_privacy is None else "central privacy"

    @property
    def compromised(self) -> frozenset[ClientId]:
        """All clients that an attack holds."""
        return frozenset[ClientId]().union(*(clients for _, clients in self.attacks))

    @property
    def exempt(self) -> frozenset[ClientId]:
        """The clients that do not train privately although others do."""
        privacy = self.training.privacy
        honest_only = privacy is not None and privacy.clients == "honest"
        return self.compromised if honest_only else frozenset()
