"""Every defense under asynchronous policies: it runs, or what stands on its class says why not."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from fedprop.aggregators import (
    AGGREGATORS,
    POSTPROCESSORS,
    STAGES,
    Cohort,
    FLDetector,
    FLTrust,
    Mean,
    NormClipping,
    RobustLearningRate,
    Rooted,
    SignMajority,
    WorkerMomentum,
    ZenoPlusPlus,
    needs_examples,
    self_contained,
)
from fedprop.data import Dataset
from fedprop.defenses import PROTOCOLS
from fedprop.defenses.protocol import IN_ROUNDS, RoundProtocol
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.rng import generator
from fedprop.simulation.engine import simulate
from fedprop.training import LocalResult

FEDBUFF = {"kind": "fedbuff", "concurrency": 12, "buffer": 11, "staleness": {"kind": "constant"}}
FEDASYNC = {"kind": "fedasync", "concurrency": 3, "mixing": 1.0}
SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}
CHAINS = [stage >> Mean() for stage in STAGES.examples()] + [Mean() >> after for after in POSTPROCESSORS.examples()]
DEFENSES = [*AGGREGATORS.examples(), *CHAINS, *PROTOCOLS.examples()]


class Log:
    def __init__(self):
        self.senders = []

    def on_event(self, event):
        pass

    def on_round(self, record, snapshot):
        self.senders.append(len(record.weights))


def experiment(defense, policy=FEDBUFF, **settings):
    fields = {"rounds": 3, "clients": 14, "model": "logistic_regression", "compute": SPREAD, "root": {"size": 6}}
    return Experiment(**{**fields, "evaluate_every": 9, "defense": defense, "policy": policy, **settings})


def drawn(tickets):
    """Updates that nobody learnt, for time's sake."""
    found = []
    for ticket in tickets:
        row = torch.randn(len(ticket.origin), generator=generator(0, "drawn", ticket.client, ticket.task))
        found.append(LocalResult(row.to(ticket.origin), 2, 1, 0.0))
    return found


@pytest.fixture(scope="module")
def play():
    """Runs an experiment; a rule takes its place in a setup made before, for time's sake."""
    y = torch.arange(34) % 2
    x = torch.randn(34, 2, generator=torch.Generator().manual_seed(0)) + 2.0 * y[:, None]
    data = Dataset.from_arrays("toy", x, y, x, y)
    made = {bool(asks): resolve(experiment(rule), dataset=data) for asks, rule in enumerate((Mean(), ZenoPlusPlus()))}

    def run(wanted):
        log, rule = Log(), wanted.rule
        if wanted.protocol is None:
            setup = replace(made[needs_examples(rule.asks)], rule=rule, policy=wanted.policy, tolerated=None)
        else:
            setup = resolve(wanted, dataset=data)
        outcome = simulate(setup, log, train=drawn)
        return [record.failure for record in outcome.rounds], log.senders

    return run


def refusal(defense, policy=FEDBUFF, **settings):
    """What is said against an experiment; nothing where it is none."""
    try:
        experiment(defense, policy, **settings)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


def test_every_defense_runs_under_fedbuff_or_says_why_not(play):
    """Three versions of eleven updates each, some of which are stale, and some of one client."""
    refused = []
    for defense in DEFENSES:
        if defense.needs_rounds:
            name = type(defense).__name__
            assert refusal(defense) == (
                f"`policy` must be synchronous for {name}: {defense.needs_rounds}; found fedbuff"
            )
            refused.append(defense)
        else:
            failures, senders = play(experiment(defense))
            assert failures == [""] * 3, defense
            assert max(senders) > min(senders), defense
    assert 0 < len(refused) < len(DEFENSES) / 10


def test_every_defense_that_can_judge_one_update_runs_under_fedasync(play):
    """The others are refused with what they need."""
    for defense in DEFENSES:
        rule = defense.rule if isinstance(defense, RoundProtocol) else defense
        if defense.needs_rounds:
            assert defense.needs_rounds in refusal(defense, FEDASYNC)
        elif rule.min_rows > 1:
            assert f"needs {rule.requirement()}, and the policy may aggregate as few as 1" in refusal(defense, FEDASYNC)
        else:
            assert play(experiment(defense, FEDASYNC)) == ([""] * 3, [1] * 3), defense


def test_protocols_that_treat_a_round_as_one_say_why_in_their_own_words():
    """HeteroFL judges whatever comes together, and says so; that it does is tried above, as of all that say nothing."""
    for protocol in PROTOCOLS.examples():
        whole = protocol.fills("select", "begin", "screen", "aggregate") and protocol.kind != "heterofl"
        assert bool(protocol.needs_rounds) == whole, protocol.kind
        assert protocol.needs_rounds != IN_ROUNDS, protocol.kind


def test_a_part_that_needs_rounds_is_found_wherever_it_stands():
    sentence = f"for FLDetector: {FLDetector().needs_rounds}; found fedbuff"
    assert sentence in refusal(WorkerMomentum() >> FLDetector())
    assert sentence in refusal(RobustLearningRate(theta=1, rule=FLDetector()))
    assert refusal(FLDetector(), "synchronous") == ""


def test_a_client_that_lags_looks_to_fldetector_as_if_it_lied():
    """Why it needs rounds: the gradient is the model here; one of three honest clients starts from the model before."""
    rule, draw, state = FLDetector(window=1), torch.Generator().manual_seed(0), None
    for now in (16.0, 8.0, 4.0):
        before, rows = now, torch.full((3, 1), -now / 2)
        state = rule.aggregate(Cohort(rows, model=torch.tensor([now]), generator=draw), state).state
    assert not state.removed
    late = torch.tensor([[-1.0], [-1.0], [-before / 2]])
    state = rule.aggregate(Cohort(late, model=torch.tensor([2.0]), generator=draw), state).state
    assert state.removed == {2: True}


def second(rule, first, rows):
    """The answer to some rows after some others."""
    return rule.aggregate(rows, rule.aggregate(first).state).value


def invariant(rule):
    """Whether a positive number for each row, but for a server's, changes nothing: of any rows, and of like ones."""
    draw, whole = torch.Generator().manual_seed(0), self_contained(rule)
    for rows in torch.randn(4, 2, 13, 5, generator=draw).double():
        factors = (2 * torch.randn(2, 13, 1, generator=draw).double()).exp()
        if isinstance(whole, Rooted):
            factors[:, 0] = 1
        if not all(torch.allclose(second(whole, *x), second(whole, *(factors * x))) for x in (rows, 2 + rows / 10)):
            return False
    return True


def test_lengths_count_unless_it_is_said_that_they_do_not():
    for cls in AGGREGATORS.kinds.values():
        for rule in cls.examples():
            assert invariant(rule) == rule.by_direction, rule
    for cls in STAGES.kinds.values():
        found = {invariant(stage >> SignMajority()) for stage in cls.examples()}
        assert found == {stage.by_direction for stage in cls.examples()}, cls
        assert (cls.examples()[0] >> Mean()).by_direction is False


def test_a_discount_that_would_do_nothing_is_refused():
    mixing = "`policy.mixing` must be 1 for {}, which takes rows by their directions alone; found 0.6"
    staleness = (
        "`policy.staleness` must be constant for {}, which takes rows by their directions alone; found polynomial"
    )
    fedasync, fedbuff = {"kind": "fedasync", "concurrency": 3}, {"kind": "fedbuff", "concurrency": 3, "buffer": 3}
    assert refusal(ZenoPlusPlus(), fedasync) == mixing.format("ZenoPlusPlus")
    assert refusal(ZenoPlusPlus(), {**fedasync, "mixing": 1, "staleness": {"kind": "polynomial"}}) == staleness.format(
        "ZenoPlusPlus"
    )
    chain = NormClipping(max_norm=1.0) >> SignMajority()
    assert refusal(chain, fedbuff) == staleness.format("NormClipping >> SignMajority")
    for defense in (FLTrust(), Mean(), WorkerMomentum() >> FLTrust()):
        assert bool(refusal(defense, fedbuff)) == (defense == FLTrust())
    assert refusal(ZenoPlusPlus(), fedasync, defense_from=1) == ""
