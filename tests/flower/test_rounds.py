"""Rounds of a rule among nodes: order, memory, refusals."""

import numpy as np
import pytest
import torch

from fedprop.aggregators import FoolsGold, GaussianNoise, Krum, Mean, Median, QuadraticSide, WorkerMomentum, Zeno
from fedprop.errors import InvalidConfig
from fedprop.flower.rounds import Received, RuleRounds
from fedprop.messages import Reason

START = {"w": np.array([1.0, 1.0], dtype=np.float32)}


def reply(node, *values, examples=1):
    return Received(node, {"w": np.array(values, dtype=np.float32)}, examples)


def test_models_are_averaged_by_what_they_changed_and_examples_count():
    rounds = RuleRounds(Mean(weighting="examples"))
    found = rounds.play(1, START, [reply(7, 3.0, 1.0, examples=3), reply(9, 1.0, 5.0)])
    assert found["w"].tolist() == [2.5, 2.0]
    assert rounds.told[0].weights == {7: 0.75, 9: 0.25}


def test_what_a_rule_remembers_is_of_the_node_and_not_of_the_place():
    """Whoever comes first in a round, the answers are the same; were memory kept by place, they would be swapped."""
    ordered, swapped = (RuleRounds(WorkerMomentum(beta=0.5) >> Krum(f=0)) for _ in range(2))
    first = [reply(7, 5.0, 1.0), reply(9, 1.0, 1.0), reply(10, 1.0, 2.0)]
    second = [reply(7, 1.0, 1.0), reply(9, 9.0, 1.0), reply(10, 1.0, 2.0)]
    ordered.play(1, START, first)
    swapped.play(1, START, first[::-1])
    found = ordered.play(2, START, second), swapped.play(2, START, second[::-1])
    assert found[0]["w"].tolist() == found[1]["w"].tolist()
    assert ordered.clients == swapped.clients
    assert ordered.told[1].weights == swapped.told[1].weights


def test_a_node_that_joins_late_changes_no_number():
    rounds = RuleRounds(FoolsGold())
    rounds.play(1, START, [reply(9, 1.0, 2.0), reply(20, 2.0, 1.0)])
    rounds.play(2, START, [reply(3, 0.0, 0.0), reply(9, 1.0, 2.0), reply(20, 2.0, 1.0)])
    assert rounds.clients == {20: 0, 9: 1, 3: 2}


def test_bad_replies_are_left_out_and_told():
    rounds = RuleRounds(Mean())
    bad = [
        Received(2, {"v": START["w"]}, 1),
        Received(3, {"w": np.zeros(3, dtype=np.float32)}, 1),
        Received(4, {"w": np.zeros(2)}, 1),
        reply(5, float("nan"), 0.0),
        reply(6, 0.0, 0.0, examples=0),
        reply(7, 0.0, 0.0, examples="many"),
        reply(8, 0.0, 0.0, examples=[1]),
        reply(1, 9.0, 9.0),
    ]
    found = rounds.play(1, START, [reply(1, 2.0, 2.0), *bad])
    assert found["w"].tolist() == [2.0, 2.0]
    wanted = [Reason.MALFORMED, Reason.WRONG_SHAPE, Reason.WRONG_DTYPE, Reason.NOT_FINITE, *[Reason.BAD_SIZE] * 3]
    assert rounds.told[0].refused == {**dict(zip(range(2, 9), wanted, strict=True)), 1: Reason.DUPLICATE}


def test_a_round_that_the_rule_declines_changes_nothing():
    rounds = RuleRounds(Krum(f=1))
    assert rounds.play(1, START, [reply(1, 2.0, 2.0)]) is None
    assert rounds.play(2, START, []) is None
    assert "n >= 2f + 3" in rounds.told[0].failure
    assert rounds.told[1].failure == "a round must have a reply that can be used; found none"


def test_noise_is_of_the_seed_and_the_round():
    def noised(seed, number):
        found = RuleRounds(Mean() >> GaussianNoise(std=1.0), seed).play(number, START, [reply(1, 2.0, 2.0)])
        return found["w"].tolist()

    assert noised(0, 1) == noised(0, 1) != noised(0, 2)
    assert noised(0, 1) != noised(1, 1)


def test_a_rule_that_asks_the_server_gets_it_or_is_refused():
    rule = Zeno.examples()[0]
    with pytest.raises(InvalidConfig, match="`server` must be given for Zeno, which asks for"):
        RuleRounds(rule)
    seen = []

    def server(model, number):
        seen.append((model["w"].tolist(), number))
        return QuadraticSide(torch.tensor([2.0, 0.0]))

    rounds = RuleRounds(rule, server=server)
    assert rounds.play(1, START, [reply(1, 3.0, 1.0), reply(2, -9.0, 1.0)])["w"].tolist() == [3.0, 1.0]
    assert seen == [([1.0, 1.0], 0)]


def test_the_median_moves_the_model():
    assert RuleRounds(Median()).play(1, START, [reply(n, n, -n) for n in (1, 2, 90)])["w"].tolist() == [2.0, -2.0]
