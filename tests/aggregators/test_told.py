import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Cohort, FLTrust, Mean, Reference, Told, self_contained
from fedprop.aggregators.columns import TakenRows
from fedprop.errors import InvalidUpdates


class Nosy(Aggregator):
    """Answers with what it is told, summed up."""

    kind: str = "nosy"

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"round", "generator"})

    def combine(self, cohort: Cohort, state: None) -> Aggregation:
        drawn = torch.rand((), generator=cohort.generator)
        value = torch.full(cohort.updates.shape[1:], cohort.round + float(drawn))
        return Aggregation(value, torch.ones(len(cohort.updates)))


def test_made_up_news_are_the_same_in_every_call_and_others_with_another_seed() -> None:
    rows = torch.zeros(3, 2)
    rule = Told(rule=Nosy())
    assert not rule.asks
    assert torch.equal(rule(rows), rule(rows))
    assert not torch.equal(rule(rows), Told(rule=Nosy(), seed=1)(rows))
    assert rule(rows).dtype == torch.float32


def test_what_a_cohort_tells_is_left_as_it_is() -> None:
    cohort = Cohort(torch.zeros(3, 2), round=3, generator=torch.Generator().manual_seed(5))
    draw = float(torch.rand((), generator=torch.Generator().manual_seed(5)))
    assert Told(rule=Nosy()).aggregate(cohort).value.tolist() == pytest.approx([3 + draw] * 2)


def test_only_who_asks_is_told() -> None:
    assert self_contained(Mean()) == Mean()
    assert self_contained(Nosy()) == Told(rule=Nosy())
    rooted = self_contained(FLTrust())
    assert not isinstance(rooted, Told)
    assert FLTrust().aggregate(Cohort(torch.ones(2, 2), server=Reference(torch.ones(2)))).value.tolist() == [1.0, 1.0]


def test_a_rule_that_does_not_read_columns_is_handed_a_tensor() -> None:
    class Shuffled(Nosy):
        def combine(self, cohort: Cohort, state: None) -> Aggregation:
            one = torch.randperm(len(cohort.updates), generator=cohort.generator)[0]
            return Aggregation(cohort.updates[one].clone(), torch.eye(len(cohort.updates))[one])

    rows, rule = torch.arange(6.0).view(3, 2), Told(rule=Shuffled())
    assert rule(TakenRows(rows, torch.arange(3))).equal(rule(rows))
    with pytest.raises(InvalidUpdates, match="must have shape"):
        rule(TakenRows(rows[:, :0], torch.arange(3)))
