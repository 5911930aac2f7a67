"""What the server hands to all clients, an attack knows as well: the rule that it assumes judges by it."""

import torch

from fedprop.aggregators import Aggregation, Aggregator
from fedprop.attacks import Attack
from fedprop.defenses import RoundProtocol
from fedprop.simulation.engine import simulate


class LeastLoss(Aggregator):
    """The row with the least loss."""

    kind: str = "least_loss"

    @property
    def asks(self):
        return frozenset({"losses"})

    def combine(self, cohort, state):
        weights = torch.zeros(len(cohort.updates))
        weights[cohort.server_side.losses(cohort.updates).argmin()] = 1
        return Aggregation(weights @ cohort.updates, weights)


class Marked(RoundProtocol):
    """Hands out examples of a third class, at zero, and takes the row that has learnt most of them."""

    kind: str = "marked"

    @property
    def rule(self):
        return LeastLoss()

    @property
    def asks(self):
        return self.rule.asks

    @property
    def extra_classes(self):
        return 1

    def extra_examples(self, x, classes, *, generator):
        return x.new_zeros(2, 2), torch.full((2,), classes)


class Unlearning(Attack):
    """Asks about an honest row and two that lift, or lower, the bias of the class of the watermark."""

    kind: str = "unlearning"

    def craft(self, view):
        own = view.own.mean(dim=0)
        bias = torch.zeros_like(own)
        bias[-1] = 10.0
        _, weights = view.assumed(torch.stack([own, bias, -bias]), 1)
        assert (weights > 0).tolist() == [True, True, False]
        return view.own


class Asking(Attack):
    """Asks the rule about an honest row and one that does nothing but lift the bias of the third class."""

    kind: str = "asking"
    threshold: float = 5.0

    def craft(self, view):
        own = view.own.mean(dim=0)
        lifted = torch.zeros_like(own)
        lifted[-1] = self.threshold
        _, weights = view.assumed(torch.stack([own, lifted]), 1)
        assert weights.tolist() == [0.0, 1.0]
        return lifted.expand(view.own.shape).clone()


def test_the_assumed_rule_judges_by_what_everybody_was_handed(configure, log):
    """An attacker that did not know it would take its own mean row for the best."""
    setup = configure(defense=Marked(), attack=Asking(), rounds=1)
    simulate(setup, log)
    (weights,) = [record.weights for record in log.rounds]
    assert {client for client, weight in weights.items() if weight} == setup.compromised


def test_it_knows_the_watermark_of_heterofl(configure, log):
    """Far from what its clients have learnt, a row is kept that keeps the watermark, and dropped if it does not."""
    simulate(configure(defense={"kind": "heterofl", "steps": "watermark"}, attack=Unlearning(), rounds=1), log)
    assert len(log.rounds) == 1
