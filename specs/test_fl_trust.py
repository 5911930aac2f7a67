"""FLTrust: what reaches the global model goes the server's way, whoever sends it.

F(x; r) is the mean of the rows at the length of r, weighted by max(0, cosine with r); 0 if all weights are. **Source:**
Cao, Fang, Liu and Gong, NDSS 2021, Section IV, Algorithm 2.

**Theorem 1 (bounded and never against).** For all rows, Byzantine or not, ||F|| <= ||r|| and F . r >= 0. *Proof
sketch.* F is a convex combination of vectors as long as r, each within a right angle of it; or zero.

**Theorem 2 (direction alone).** F does not change if any row is multiplied by a positive number, nor if a row that
points away from r, or stands at a right angle to it, is left out. *Proof sketch.* Neither score nor scaled row changes;
such a row has the score 0.

**Theorem 3 (order).** F does not depend on the order of the rows.

*Precondition:* finite rows whose squares fit into float64.
"""

import torch
from hypothesis import assume, given, target
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, FLTrust, Reference
from fedprop.properties import Case, cases
from fedprop.types import Updates, Vector

CLEAR = 1e-3
"""Cosines closer to 0 than this leave it to rounding who is trusted."""


def trusted(rows: Updates, reference: Vector) -> Vector:
    return FLTrust().aggregate(Cohort(rows, server=Reference(reference))).value


def split(case: Case) -> tuple[Updates, Vector]:
    """The rows of the clients and the server's, in float64."""
    rows = case.rows.double()
    return rows[1:], rows[0]


def cosines(rows: Updates, reference: Vector) -> Vector:
    return torch.nn.functional.cosine_similarity(rows, reference[None], eps=1e-300)


@given(cases(f=2, min_rows=5))
def test_the_answer_is_no_longer_than_the_servers_update_and_never_against_it(case: Case) -> None:
    rows, reference = split(case)
    answer, length = trusted(rows, reference), float(reference.norm())
    target(float(answer.norm()) / (length or 1.0))
    assert float(answer.norm()) <= length * (1 + 1e-12)
    assert float(answer @ reference) >= -1e-12 * length**2


@given(cases(f=2, min_rows=5), st.data())
def test_lengths_of_rows_do_not_matter(case: Case, data: st.DataObject) -> None:
    rows, reference = split(case)
    factors = data.draw(st.tuples(*[st.sampled_from([2.0**-20, 1.0, 3.0, 2.0**20])] * len(rows)))
    assume(float(cosines(rows, reference).max()) > CLEAR)
    changed = trusted(torch.tensor(factors, dtype=torch.float64)[:, None] * rows, reference)
    assert (changed - trusted(rows, reference)).norm() <= 1e-9 * reference.norm()


@given(cases(f=2, min_rows=5))
def test_who_points_away_is_as_good_as_absent(case: Case) -> None:
    rows, reference = split(case)
    helpful = cosines(rows, reference) > CLEAR
    assume(bool(helpful.any()) and bool(((cosines(rows, reference) < -CLEAR) | helpful).all()))
    assert (trusted(rows[helpful], reference) - trusted(rows, reference)).norm() <= 1e-9 * reference.norm()


@given(cases(f=2, min_rows=5), st.data())
def test_clients_have_no_order(case: Case, data: st.DataObject) -> None:
    rows, reference = split(case)
    assume(abs(float(cosines(rows, reference).max())) > CLEAR)
    order = data.draw(st.permutations(range(len(rows))))
    assert (trusted(rows[order], reference) - trusted(rows, reference)).norm() <= 1e-9 * reference.norm()
