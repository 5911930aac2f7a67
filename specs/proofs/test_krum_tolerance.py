"""Krum stays close to the honest rows: proved for every real input of every dimension, for n = 2f + 3 up to 9.

**Theorem.** Let n >= 2f + 3 and S any h = n - f rows, with mean mu and variance V = 1/h sum over S of ||x_i - mu||^2.
If Krum may select row k, then ||x_k - mu||^2 <= kappa V with kappa = h / (n - 2f - 1) (1 + r)^2 and
r^2 = 2 (h - 2) / (h - 1).

Source: `specs/test_krum_tolerance.py`; the method is that of Allouah et al., AISTATS 2023, the rule that of Blanchard
et al., NeurIPS 2017. Multi-Krum is not treated here.

*What Z3 is asked.* Let t = n - 2f - 1, which is 2 for n = 2f + 3. Four lemmas, each proved by Z3:

1. In every coordinate, h sum over S of (x_i - mu)^2 = sum over pairs in S of (x_i - x_j)^2. Summed over the
   coordinates: h^2 V = sum over pairs in S of D_ij, where D_ij = ||x_i - x_j||^2.
2. If Krum may select k, some t rows T of S have sum over T of D_kj <= r^2 h V. Z3 is asked about any numbers D_ij >= 0,
   among which are all squared distances, whatever the dimension.
3. If z <= p_j + q_j for the two j in T, sum p_j^2 <= P^2 and sum q_j^2 <= Q^2, then 2 z^2 <= (P + Q)^2.
4. If moreover P^2 = r^2 h V and Q^2 = h V, then z^2 <= kappa V.

Take z = ||x_k - mu||, p_j = ||x_k - x_j||, q_j = ||x_j - mu||. The first premise of 3 is the triangle inequality, the
second is 2, the third holds since T is a part of S; 4 gives the theorem. The premises of 2 do not change when rows of S
trade places, nor when the others do, so k and its neighbours may be taken to be the first ones of their kind.

*The best constant on the line.* For n = 5, f = 1 and d = 1 Z3 also answers from the definition alone, in one step:
||x_k - mu||^2 <= 25/11 V, a quarter of kappa. The rows 5, 1, -3, -3 and a Byzantine 5 reach it. With 9/4 in place of
25/11, or with n - f - 1 Byzantine rows, a clique of their own, Z3 must find rows for which the package's Krum errs by
more.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from math import isclose

import pytest

z3 = pytest.importorskip("z3", reason="needs the extra `proofs`")

import torch
from proofs.formulas import krum_selects, line_distances, reals, unknown_distances
from proofs.prover import Goal, Refuted, column

from fedprop.aggregators import Krum
from fedprop.aggregators.krum import krum_kappa

pytestmark = pytest.mark.proof

SIZES = [(5, 1), (7, 2), (9, 3)]
FAR = 1000


def choices(n: int, f: int, byzantine: int) -> Iterator[tuple[int, list[int]]]:
    """Row k and its n - f - 2 neighbours, honest rows first: one choice for each number of hostile ones."""
    for chosen in (0, n - 1):
        others = [j for j in range(n) if j != chosen]
        honest = [j for j in others if j < n - byzantine]
        hostile = [j for j in others if j >= n - byzantine]
        size = n - f - 2
        for count in range(max(0, size - len(honest)), min(size, len(hostile)) + 1):
            yield chosen, honest[: size - count] + hostile[:count]


def spread_of_scores(n: int, f: int) -> z3.ArithRef:
    """The square of r."""
    return z3.Q(2 * (n - f - 2), n - f - 1)


def variance_by_pairs(h: int) -> Goal:
    """Lemma 1, with the mean multiplied out."""
    rows = reals("x", h)
    deviations = [h * row - z3.Sum(rows) for row in rows]
    pairs = z3.Sum([(a - b) * (a - b) for a, b in combinations(rows, 2)])
    return Goal(z3.Sum([v * v for v in deviations]) == h * pairs)


def near_rows(n: int, f: int) -> Iterator[Goal]:
    """Lemma 2."""
    h, t, distances = n - f, n - 2 * f - 1, unknown_distances(n)
    total = z3.Sum([distances[pair] for pair in combinations(range(h), 2)]) / h
    bound = spread_of_scores(n, f) * total
    for k, neighbours in choices(n, f, f):
        near = z3.Or([z3.Sum([distances[k, j] for j in rows]) <= bound for rows in combinations(range(h), t)])
        yield Goal(near, [*(d >= 0 for d in distances.values()), krum_selects(distances, k, neighbours, n)])


def sum_of_roots() -> Goal:
    """Lemma 3."""
    p, q = reals("p", 2), reals("q", 2)
    z, big_p, big_q = z3.Reals("z P Q")
    positive = [value >= 0 for value in (z, big_p, big_q, *p, *q)]
    triangle = [z <= a + b for a, b in zip(p, q, strict=True)]
    squares = [z3.Sum([a * a for a in p]) <= big_p * big_p, z3.Sum([b * b for b in q]) <= big_q * big_q]
    return Goal(2 * z * z <= (big_p + big_q) * (big_p + big_q), [*positive, *triangle, *squares])


def kappa_bound(n: int, f: int) -> Goal:
    """Lemma 4: kappa written with r, as the square root of a fraction is no fraction."""
    h, t = n - f, n - 2 * f - 1
    z, r, variance, big_p, big_q = z3.Reals("z r V P Q")
    premises = [
        *(value >= 0 for value in (r, variance, big_p, big_q)),
        r * r == spread_of_scores(n, f),
        big_p * big_p == r * r * h * variance,
        big_q * big_q == h * variance,
        t * z * z <= (big_p + big_q) * (big_p + big_q),
    ]
    return Goal(t * z * z <= h * (1 + r) * (1 + r) * variance, premises)


def on_the_line(n: int, f: int, byzantine: int, kappa: z3.ArithRef) -> Iterator[Goal]:
    """The theorem itself for d = 1, from the definitions; the mean of S is 0, as Krum moves along with its rows."""
    rows, h = reals("x", n), n - byzantine
    variance = z3.Sum([row * row for row in rows[:h]]) / h
    for k, neighbours in choices(n, f, byzantine):
        selected = krum_selects(line_distances(rows), k, neighbours, n)
        yield Goal(rows[k] * rows[k] <= kappa * variance, [z3.Sum(rows[:h]) == 0, selected])


def error_and_variance(rows: torch.Tensor, f: int, byzantine: int) -> tuple[float, float]:
    """What the package's Krum makes of rows [n, 1]: its squared distance to the honest mean, and their variance."""
    honest = rows[: len(rows) - byzantine]
    return float((Krum(f=f)(rows) - honest.mean(dim=0)).square()), float(honest.var(correction=0))


@pytest.mark.parametrize(("n", "f"), SIZES)
def test_error_is_bounded_by_kappa(n: int, f: int, proved: Callable[..., None]) -> None:
    lemmas = [variance_by_pairs(n - f), *near_rows(n, f), sum_of_roots(), kappa_bound(n, f)]
    proved("Krum errs by at most kappa V", lemmas, n=n, f=f, d="any")


@pytest.mark.parametrize(("n", "f"), SIZES)
def test_the_package_claims_the_kappa_that_is_proved(n: int, f: int) -> None:
    r = (2 * (n - f - 2) / (n - f - 1)) ** 0.5
    assert isclose(krum_kappa(n, f), (n - f) / (n - 2 * f - 1) * (1 + r) ** 2)


def test_the_best_constant_on_the_line(proved: Callable[..., None]) -> None:
    proved("Krum errs by at most 25/11 V", on_the_line(5, 1, 1, z3.Q(25, 11)), n=5, f=1, d="1")


def test_the_best_constant_is_reached() -> None:
    rows = torch.tensor([[5.0], [1.0], [-3.0], [-3.0], [5.0]], dtype=torch.float64)
    error, variance = error_and_variance(rows, f=1, byzantine=1)
    assert isclose(error, 25 / 11 * variance)


def test_no_smaller_constant_holds(refuted: Callable[..., Refuted]) -> None:
    *_, goal = on_the_line(5, 1, 1, z3.Q(9, 4))
    model = refuted("Krum errs by at most 9/4 V", goal, n=5, f=1, d="1").model
    error, variance = error_and_variance(column(model, reals("x", 5)), f=1, byzantine=1)
    assert error > 9 / 4 * variance


@pytest.mark.parametrize(("n", "f"), SIZES)
def test_n_minus_f_minus_1_byzantine_rows_take_over(n: int, f: int, refuted: Callable[..., Refuted]) -> None:
    byzantine = n - f - 1
    *_, goal = on_the_line(n, f, byzantine, z3.RealVal(FAR))
    rows = reals("x", n)
    spread = z3.Sum([row * row for row in rows[: n - byzantine]]) > 0
    clique = [row == rows[-1] for row in rows[n - byzantine :]]
    name = f"Krum errs by at most {FAR} V, n - f - 1 Byzantine rows"
    model = refuted(name, Goal(goal.claim, [*goal.assuming, spread, *clique]), n=n, f=byzantine, d="1").model
    error, variance = error_and_variance(column(model, rows), f, byzantine)
    assert error > FAR * variance > 0
