"""The server's own update as the first row."""

import pytest
import torch

from fedprop.aggregators import (
    Cohort,
    FLTrust,
    Krum,
    Median,
    NearestNeighbourMixing,
    Reference,
    Rooted,
    self_contained,
)
from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.columns import TakenRows
from fedprop.aggregators.contract import Contract, unstated
from fedprop.errors import TooFewUpdates
from fedprop.properties import Case, PropertyViolated, oracle_for
from fedprop.properties.invariances import INVARIANCES
from fedprop.verify import load_rule, verify

PERMUTATION = next(prop for prop in INVARIANCES if prop.name == "permutation")
ROWS = torch.tensor([[5.0, 0.0], [8.0, 0.0], [3.0, 4.0], [-1.0, 0.0]])


class Deaf(Aggregator):
    """Answers what the server says, and shows who was asked about."""

    kind: str = "deaf"

    @property
    def asks(self):
        return frozenset({"reference", "model", "losses", "generator", "classifier"})

    def combine(self, cohort, state):
        told = (cohort.clients, cohort.examples, cohort.staleness)
        return Aggregation(cohort.server_side.reference(), torch.ones(len(cohort.updates)), told)


def test_the_first_row_is_the_servers_and_has_no_weight():
    answer, alone = Rooted(rule=FLTrust()).aggregate(ROWS), Cohort(ROWS[1:], server=Reference(ROWS[0]))
    expected = FLTrust().aggregate(alone)
    assert torch.equal(answer.value, expected.value)
    assert answer.weights.tolist() == [0.0, *expected.weights.tolist()]


def test_all_that_the_server_knows_is_the_first_row():
    """A loss of half the squared distance: 25 / 2 for the way (3, 4) to it, and then an accuracy of 1 / 13.5."""
    heard = {}

    class Listens(Deaf):
        def combine(self, cohort, state):
            side = cohort.server_side
            heard.update(losses=side.losses(cohort.updates), accuracies=side.accuracies(cohort.updates))
            heard.update(model=cohort.model, round=cohort.round, drawn=torch.rand(1, generator=cohort.generator))
            heard.update(answers=cohort.classifier.probabilities(cohort.updates, 9, seed=0))
            return super().combine(cohort, state)

    rows = torch.tensor([[1.0, 1.0], [4.0, 5.0], [1.0, 1.0]])
    Rooted(rule=Listens())(rows)
    assert heard["losses"].tolist() == [12.5, 0.0]
    assert heard["accuracies"].tolist() == [1 / 13.5, 1.0]
    assert heard["model"].equal(rows[0])
    assert heard["answers"][:, 0].allclose(torch.tensor([[5.0, 6.0], [2.0, 2.0]]).double().softmax(dim=1))
    assert (heard["round"], heard["drawn"]) == (0, torch.rand(1, generator=torch.Generator().manual_seed(0)))


class FirstClient(Deaf):
    """Takes whoever comes first, and claims that the order does not matter."""

    def contract(self):
        return Contract(permutation=True)

    def combine(self, cohort, state):
        return Aggregation(cohort.updates[0] + cohort.server_side.reference(), torch.ones(len(cohort.updates)))


def test_the_order_of_clients_matters_to_no_rule_that_says_so_and_the_servers_row_stays():
    case = Case(ROWS.double(), (True,) * 4, 0, seed=0)
    assert Rooted(rule=FLTrust()).contract().permutation
    PERMUTATION.check(Rooted(rule=FLTrust()), case, Rooted(rule=FLTrust()).contract())
    with pytest.raises(PropertyViolated, match=r"for the rows in the order \[0, "):
        PERMUTATION.check(Rooted(rule=FirstClient()), case, Rooted(rule=FirstClient()).contract())


def test_where_a_rule_leaves_its_answer_open_the_server_is_not_asked():
    class Tied(Deaf):
        def contract(self):
            return Contract(permutation=True, ambiguous=lambda rows: len(rows) == 3)

    found = Rooted(rule=Tied()).contract().ambiguous
    assert found(ROWS)
    assert not found(ROWS[1:])
    assert Rooted(rule=FLTrust()).contract().ambiguous is unstated


def test_what_is_known_of_each_row_stays_with_it():
    cohort = Cohort(ROWS, clients=(9, 4, 5, 6), examples=(1, 2, 3, 4), staleness=(0, 5, 6, 7))
    answer = Rooted(rule=Deaf()).aggregate(cohort)
    assert answer.value.equal(ROWS[0])
    assert answer.state == ((4, 5, 6), (2, 3, 4), (5, 6, 7))


def test_it_needs_one_row_more():
    rule = Rooted(rule=NearestNeighbourMixing(f=1) >> FLTrust())
    with pytest.raises(TooFewUpdates, match=r"n >= 4, the server's row included, for Rooted; found n=3"):
        rule(ROWS[:3])
    assert rule(ROWS).shape == (2,)


def test_a_rule_that_reads_no_columns_is_handed_a_tensor():
    class Follow(Deaf):
        def combine(self, cohort, state):
            shares = (cohort.updates @ cohort.server_side.reference()).softmax(dim=0)
            return Aggregation(shares @ cohort.updates, shares)

    rows = ROWS.double()
    assert Rooted(rule=Follow())(TakenRows(rows, torch.arange(4))).equal(Rooted(rule=Follow())(rows))
    report = verify(Follow(), f=0, examples=10)
    assert {o.name: o.verdict for o in report.outcomes}["streaming"] == "holds"
    assert not report.fails


def test_only_rules_that_need_it_are_made_so():
    assert self_contained(Krum(f=1)) == Krum(f=1)
    assert self_contained(FLTrust()) == Rooted(rule=FLTrust())
    assert not Rooted(rule=FLTrust()).asks


def test_a_definition_by_rows_alone_exists_for_the_rooted_rule_only():
    assert oracle_for(FLTrust()) is None
    assert oracle_for(Rooted(rule=Deaf())) is None
    oracle = oracle_for(Rooted(rule=FLTrust()))
    assert oracle(ROWS.tolist()) == pytest.approx([4.25, 1.5])


def test_verify_asks_with_the_servers_row_first():
    assert load_rule(FLTrust()) == load_rule("fedprop:FLTrust") == Rooted(rule=FLTrust())
    assert load_rule(Median()) == Median()
