"""How far Krum can be pushed: proved for every real input of every dimension, for up to eight rows.

**Theorem 1 (Fang, Cao, Jia, Gong, USENIX Security 2020).** Let m rows reach Krum, c of them equal to -lambda * s with s
in {1, -1}^d, the others honest, m >= 2c + 3. If Krum, set to tolerate c, may select a crafted row, then

    lambda <= sqrt(S / (t d)) + max_i |w_i| / sqrt(d),    t = m - 2c - 1,

where S is the least, over honest rows, sum of squared distances to the m - c - 2 nearest honest rows.

*What Z3 is asked.* Multiply by sqrt(d): with L = |lambda s| = lambda sqrt(d), u = sqrt(S / t) and M = max_i |w_i| the
claim is L <= u + M, and d is gone. Z3 is asked about any numbers D_ij >= 0 in place of the squared distances, with
D_ij = 0 between crafted rows, D_ij = p_i^2 between honest row i and each crafted row, and p_i >= L - M, which is the
triangle inequality. All rows of all dimensions give such numbers. Honest rows may be renumbered: S belongs to the first
one and those that follow it. Every choice of neighbours of the crafted row is asked about.

*Left out.* For a component of s that is zero, for the bound without either of its terms, and for a bound that is never
reached (L < u + M), Z3 must find rows on the line, and the package's Krum must select the crafted one. With m = 7 and
c = 2 the bound is reached with both terms at work.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import pytest

z3 = pytest.importorskip("z3", reason="needs the extra `proofs`")

import torch
from proofs.formulas import Distances, krum_selects, line_distances, reals, unknown_distances
from proofs.prover import Goal, Refuted, column, number
from torch import Tensor

from fedprop.aggregators import Krum
from fedprop.attacks import lambda_bound

pytestmark = pytest.mark.proof

L, M, U = z3.Reals("L M u")
SIZES = [(5, 1), (6, 1), (7, 1), (7, 2), (8, 2)]
MARGIN = z3.Q(1, 8)


def terms_of_the_bound(distances: Distances, m: int, c: int) -> list[z3.BoolRef]:
    """L, M and u are no less than 0, and t u^2 is the sum S of the first row."""
    nearest = z3.Sum([distances[0, j] for j in range(1, m - c - 1)])
    return [L >= 0, M >= 0, U >= 0, (m - 2 * c - 1) * U * U == nearest]


def in_any_dimension(m: int, c: int) -> Iterator[Goal]:
    """The theorem; honest rows come first."""
    honest, crafted = range(m - c), range(m - c, m)
    distances, p = unknown_distances(m), reals("p", m - c)
    premises = [
        *(value >= 0 for value in (*distances.values(), *p)),
        *(distances[pair] == 0 for pair in combinations(crafted, 2)),
        *(distances[i, j] == p[i] * p[i] for i in honest for j in crafted),
        *(length >= L - M for length in p),
        *terms_of_the_bound(distances, m, c),
    ]
    for neighbours in combinations((*honest, *crafted[1:]), m - c - 2):
        yield Goal(L <= U + M, [*premises, krum_selects(distances, crafted[0], neighbours, m)])


def on_the_line(m: int, c: int, claim: z3.BoolRef, *more: z3.BoolRef) -> Goal:
    """A claim about rows of one number, s = 1, M = 1; the crafted row's neighbours are its equals and some others."""
    rows = [*reals("w", m - c), *[-L] * c]
    distances = line_distances(rows)
    longest = [M == 1, *(z3.And(row >= -M, row <= M) for row in rows[: m - c])]
    neighbours = [*range(1, m - 2 * c), *range(m - c + 1, m)]
    selected = krum_selects(distances, m - c, neighbours, m)
    return Goal(claim, [*more, *longest, *terms_of_the_bound(distances, m, c), selected])


def attacked(verdict: Refuted, m: int, c: int) -> tuple[Tensor, float]:
    """The honest rows [m - c, 1] and L of a model, once the package's Krum has selected the crafted row."""
    honest, reach = column(verdict.model, reals("w", m - c)), float(number(verdict.model, L))
    # Crafted rows first: the theorem holds however ties are broken.
    rows = torch.cat([torch.full((c, 1), -reach, dtype=torch.float64), honest])
    assert float(Krum(f=c)(rows)) == -reach
    return honest, reach


@pytest.mark.parametrize(("m", "c"), SIZES)
def test_lambda_is_bounded(m: int, c: int, proved: Callable[..., None]) -> None:
    proved("Fang's bound on lambda", in_any_dimension(m, c), n=m, f=c, d="any")


@pytest.mark.parametrize(("m", "c", "first_term"), [(5, 1, 0), (7, 2, 1)])
def test_the_bound_is_reached(m: int, c: int, first_term: int, refuted: Callable[..., Refuted]) -> None:
    goal = on_the_line(m, c, L < U + M, first_term == U)
    name = f"Fang's bound on lambda is not reached, first term {first_term}, second term 1"
    honest, reach = attacked(refuted(name, goal, n=m, f=c, d="1"), m, c)
    assert reach == first_term + 1
    assert lambda_bound(honest, c) == pytest.approx(reach, rel=1e-12)


def test_the_first_term_is_needed(refuted: Callable[..., Refuted]) -> None:
    name = "Fang's bound on lambda without its first term"
    honest, reach = attacked(refuted(name, on_the_line(7, 2, L <= M + MARGIN), n=7, f=2, d="1"), 7, 2)
    assert reach > float(honest.abs().max())


@pytest.mark.parametrize(("m", "c"), [(5, 1), (7, 2)])
def test_the_second_term_is_needed(m: int, c: int, refuted: Callable[..., Refuted]) -> None:
    name = "Fang's bound on lambda without its second term"
    honest, reach = attacked(refuted(name, on_the_line(m, c, L <= U + MARGIN), n=m, f=c, d="1"), m, c)
    assert reach > lambda_bound(honest, c) - float(honest.abs().max())


def test_no_component_of_s_may_be_zero(refuted: Callable[..., Refuted]) -> None:
    # In the plane, s = (1, 0) and honest rows along s: L is lambda, but the bound is still divided by sqrt(2).
    goal = on_the_line(5, 1, 2 * L * L <= (U + M) * (U + M) + MARGIN)
    honest, reach = attacked(refuted("Fang's bound on lambda, s = (1, 0)", goal, n=5, f=1, d="2"), 5, 1)
    plane = torch.cat([honest, torch.zeros_like(honest)], dim=1)
    assert reach > lambda_bound(plane, c=1)
