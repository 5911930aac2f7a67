"""What the simulator hands a rule that asks for it by name."""

import torch

from fedprop.aggregators import Mean, NearestNeighbourMixing
from fedprop.rng import generator

TOLD = []


class Asking(Mean):
    """Notes what it is told."""

    kind: str = "asking"

    @property
    def asks(self):
        return frozenset({"model", "round", "generator"})

    def combine(self, cohort, state):
        TOLD.append((cohort.round, cohort.model.clone(), torch.rand(1, generator=cohort.generator)))
        return super().combine(cohort, state)


class Unasked(Asking):
    kind: str = "unasked"

    @property
    def asks(self):
        return frozenset({"model", "round"})


def test_a_rule_behind_a_stage_gets_what_it_asks_for(play, configure):
    TOLD.clear()
    chain = NearestNeighbourMixing(f=0) >> Asking()
    outcome = play(rounds=2, defense=chain)
    start = torch.cat([value.flatten() for value in configure(defense=chain).module.state_dict().values()])
    (first, model, draw), (second, moved, other) = TOLD
    assert (first, second) == (0, 1)
    assert torch.equal(model, start)
    assert not torch.equal(moved, start)
    assert not torch.equal(moved, outcome.parameters)
    assert [draw, other] == [torch.rand(1, generator=generator(0, "aggregation", round)) for round in (0, 1)]


def test_what_a_rule_does_not_ask_for_it_does_not_get(play):
    outcome = play(rounds=1, defense=Unasked())
    assert "`generator` must be given with the cohort" in outcome.rounds[0].failure
