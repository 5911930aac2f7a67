"""What a false number of examples can do, and to whom.

Theorem (Shi et al. 2022, section V). In the mean weighted by claimed numbers of examples, where n clients hold as many
each and m of them claim c times that, the share of each of those is c / (n - m + c m), c n / (n - m + c m) times its
honest one; with c to infinity the m share everything. A rule that declares that it ignores claims answers as if nobody
had lied, whatever is claimed.

Theorem (Portnoy, Tirosh and Hendler 2020, with alpha = 0.1 and alpha* = 0.5). With `weighting: capped`, any share alpha
of two or more clients, and one more, hold at most alpha* of all weight, whatever anybody claims.

Preconditions. Claims are positive; for the cap they need not be.

Proof sketch. The weights are claims over their sum, (n - m) + c m of what each holds. The second part is what
`Contract.examples == "ignored"` says, tried here with the claims that the attack makes, on every rule there is; a rule
that declares something else does move, so this can fail.
"""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.aggregators import AGGREGATORS, Aggregator, Cohort, Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import View, WeightAttack

ROWS = torch.randn(12, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
RULES = AGGREGATORS.examples()


def claimed(attack: WeightAttack, m: int) -> tuple[int, ...]:
    """What m compromised clients claim."""
    own = torch.zeros(m, 1)
    return attack.answer(View(own, None, own[0], lambda rows, f: (rows[0], rows[:, 0]), torch.Generator())).examples


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 10**6), st.integers(1, 1000))
@settings(deadline=None)
def test_the_share_of_those_who_lie(m: int, honest: int, c: int, held: int) -> None:
    claims = (held,) * honest + claimed(WeightAttack(claimed_size=c * held), m)
    weights = Mean(weighting="examples").aggregate(Cohort(torch.zeros(honest + m, 1), examples=claims)).weights
    n = honest + m
    assert float(weights[-1]) == pytest.approx(float(Fraction(c, n - m + c * m)), rel=1e-5)
    assert float(weights[-1]) * n == pytest.approx(float(Fraction(c * n, n - m + c * m)), rel=1e-5)


def moved(rule: Aggregator) -> bool:
    """Whether three of twelve clients that claim a million examples change the rule's answer."""
    told = AssumedRule(None, rule).knowing(ROWS[:3], torch.zeros(4, dtype=torch.float64)).told
    answers = []
    for claims in ((50,) * 3, claimed(WeightAttack(), 3)):
        told["told"]["generator"].manual_seed(0)
        answers.append(rule.aggregate(Cohort(ROWS, examples=claims + (50,) * 9).changed(**told)).value)
    return not torch.equal(*answers)


def test_rules_that_ignore_claims_are_out_of_its_reach() -> None:
    ignoring = [rule for rule in RULES if rule.contract().examples == "ignored"]
    assert len(ignoring) > 5
    assert [rule for rule in ignoring if moved(rule)] == []


def test_a_rule_that_weighs_by_claims_is_not() -> None:
    assert moved(Mean(weighting="examples"))


@given(st.lists(st.one_of(st.integers(0, 20), st.integers(0, 2**62)), min_size=2, max_size=40))
@settings(deadline=None)
def test_capped_claims_leave_a_tenth_of_the_clients_half_of_the_weight_at_most(claims: list[int]) -> None:
    rows = torch.zeros(len(claims), 1, dtype=torch.float64)
    weights = Mean(weighting="capped").aggregate(Cohort(rows, examples=claims)).weights
    few = len(claims) // 10 + 1
    assert float(weights.sort(descending=True).values[:few].sum()) <= 0.5 + 1e-9
    assert float(weights.sum()) == pytest.approx(1.0)


def test_claims_that_are_taken_at_their_word_do_not() -> None:
    weights = Mean(weighting="examples").aggregate(Cohort(torch.zeros(12, 1), examples=(10**6, *(50,) * 11))).weights
    assert float(weights[0]) > 0.99
