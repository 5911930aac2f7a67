from dataclasses import replace

from fedprop.report.html import cards
from fedprop.report.privacy import Spending, spending, spent

SUMMARY = {"epsilon": 2.5, "delta": 0.001, "noise_multiplier": 1.25, "target_epsilon": None}


def with_epsilons(run, *epsilons):
    rounds = [replace(r, epsilon=e) for r, e in zip(run.rounds, epsilons, strict=False)]
    return replace(run, rounds=rounds, summary={**run.summary, **SUMMARY})


def test_spending_is_the_last_epsilon_of_each_client(run):
    private = with_epsilons(run, {3: 0.5, 0: 0.5}, {}, {3: 0.7})
    assert spending(private) == {0: Spending(1, 0.5), 3: Spending(2, 0.7)}
    assert list(spending(private)) == [0, 3]
    assert spending(run) == {}


def test_a_card_names_the_largest_epsilon_of_a_private_run(run):
    assert "largest epsilon" not in cards(run)
    assert cards(with_epsilons(run))["largest epsilon"] == ("2.50", "at delta 0.001")


def test_a_target_is_compared_with_what_was_spent():
    assert spent({**SUMMARY, "target_epsilon": 2.5}).endswith("; within the target of 2.5")
    assert spent({**SUMMARY, "target_epsilon": 2}).endswith("; over the target of 2")
