"""A majority that agrees on a sign is followed, whatever the others send, and lengths count for nothing.

**Theorem 1** (Bernstein et al., ICLR 2019, Section 3). In a coordinate where m more honest rows are above zero than
below it, f attackers turn the answer, or stop it, only if m <= f. So a minority turns no coordinate on which all honest
rows agree. *Proof.* The sum of signs is at least m - f, and attained.

**Theorem 2.** Rows times positive numbers of their own, one each, have the same answer, and -x has the opposite one.

Attackers that send the opposite of the honest sign are worst, as the theorem counts votes: the last test enumerates all
votes of small cohorts.
"""

from itertools import product

import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import SignMajority
from fedprop.properties import Case, cases


@given(st.integers(0, 3).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1)))
def test_lengths_count_for_nothing(case: Case) -> None:
    rows, rule = case.rows.double(), SignMajority()
    sizes = 2.0 ** torch.arange(len(rows), dtype=torch.float64)[:, None] / 8
    assert torch.equal(rule(sizes * rows), rule(rows))
    assert torch.equal(rule(-rows), -rule(rows))


def test_every_vote_of_small_cohorts() -> None:
    """Honest margins that f attackers can turn, or bring to a tie, are those up to f, and no others."""
    turned = set()
    for n in range(1, 6):
        for f in range((n + 1) // 2):
            for signs in product((-1, 0, 1), repeat=n - f):
                margin = sum(signs)
                for crafted in product((-1, 0, 1), repeat=f):
                    rows = torch.tensor([[float(s)] for s in (*signs, *crafted)])
                    found = float(SignMajority()(rows))
                    assert margin <= f or found == 1
                    turned |= {(margin, f)} if margin > 0 and found <= 0 else set()
    assert turned == {(1, 1), (1, 2), (2, 2)}
