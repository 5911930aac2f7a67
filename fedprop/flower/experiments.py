"""What the two halves of an exported app take from an experiment: tests, the server's own examples, and attacks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import Attack
from fedprop.experiments.experiment import Experiment
from fedprop.flower.arrays import Arrays
from fedprop.flower.mods import AttackMod, Next
from fedprop.flower.rounds import Helper
from fedprop.params import ParameterLayout, copy_module
from fedprop.simulation.enlistment import enlist
from fedprop.simulation.examination import Examiner
from fedprop.simulation.root import RootView
from fedprop.simulation.setup import Setup
from fedprop.types import ClientId, Round, Vector

PARTITION = "partition-id"
"""What a node's configuration calls the number of the client that it is, as Flower's own datasets have it."""


def server_test(setup: Setup) -> Callable[[int, Any], Any]:
    """For `evaluate_fn`: accuracy, loss and the experiment's numbers on its test set, in the rounds that it tests.

    Rounds are counted from 1 on, as Flower does; the model before the first one is not tested.
    """
    examine, vector = Examiner(setup), _flattener(setup.module)

    def test(round: int, arrays: Any) -> Any:
        from flwr.app import MetricRecord

        if round == 0 or (round % setup.evaluate_every and round != setup.rounds):
            return None
        grades = examine(vector({name: array.numpy() for name, array in arrays.items()}), round - 1)
        read = {name: reading.value for name, reading in grades.numbers.items()}
        told = {"accuracy": grades.accuracy, "loss": grades.loss, **read}
        return MetricRecord({name: float(value) for name, value in told.items() if value is not None})

    return test


def server_examples(setup: Setup) -> Helper | None:
    """For `RuleStrategy(server=...)`: what the server's own examples tell; None if the experiment keeps none for it."""
    bench, vector = setup.root_bench(), _flattener(setup.module)
    if bench is None:
        return None

    def ask(arrays: Arrays, round: Round) -> RootView:
        return bench.at(vector(arrays), round)

    return ask


def enlisted(experiment: Experiment) -> dict[ClientId, Attack]:
    """The clients that the experiment's attacks hold, as in a simulation."""
    held = enlist(
        experiment.attack,
        clients=experiment.clients,
        chosen=experiment.compromised,
        defense=experiment.rule,
        seed=experiment.seed,
    )
    return {client: attack for attack, clients in held for client in sorted(clients)}


def enlisted_mod(experiment: Experiment) -> Callable[[Any, Any, Next], Any]:
    """A client mod that attacks on the nodes that an attack of the experiment holds, and does nothing on others.

    A node is the client with its `partition-id`. What the data of these clients are, the partition's part or poisoned,
    is up to whoever loads them.
    """
    held = enlisted(experiment)

    def mod(message: Any, context: Any, call_next: Next) -> Any:
        client = int(context.node_config[PARTITION])
        attack = held.get(client)
        if attack is None:
            return call_next(message, context)
        fellows = [other for other, theirs in held.items() if theirs is attack]
        wanted, assumed = experiment.policy.wanted(experiment.clients), AssumedRule(attack.assumes, experiment.rule)
        hostile = AttackMod(attack, wanted, experiment.seed, fellows.index(client), assumed)
        return hostile(message, context, call_next)

    return mod


def _flattener(module: nn.Module) -> Callable[[Arrays], Vector]:
    """From the arrays of a model like this one to its parameters [d], as simulations have them."""
    own, layout = copy_module(module), ParameterLayout.of(module)

    def vector(arrays: Arrays) -> Vector:
        own.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
        return layout.flatten(own)

    return vector
