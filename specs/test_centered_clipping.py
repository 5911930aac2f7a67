"""Centered clipping: what a round can do is bounded, wherever the rounds before have led.

F(x, v) is one step from the previous aggregate v with radius tau. **Source:** Karimireddy, He and Jaggi, ICML 2021,
Section 4 and Algorithm 2.

**Definition.** F is what the oracle says from every v, among rows close together and far from zero, too.

**Theorem 1 (equivariance).** F(x + t, v + t) = F(x, v) + t, and F(c x, c v) with radius c tau is c F(x, v) for c > 0.
*Proof sketch.* The step is made of the ways x_i - v, which a shift leaves as they are.

**Theorem 2 (influence).** ||F(x, v) - v|| <= tau, and F changes by at most 2 tau f / n if f rows change at will.
*Proof sketch.* A step is a mean of n vectors that are no longer than tau; f of them can turn round at most.

**Theorem 3 (a good start).** If no honest row is farther than tau from v, and mu is the mean of the honest rows, then
||F(x, v) - mu|| <= f / n (||v - mu|| + tau). *Proof sketch.* F - mu = f / n (v - mu) + 1 / n (sum of f cut ways).
"""

import torch
from hypothesis import given, target
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators import CenteredClipping
from fedprop.oracles.centered_clipping import centered_clipping
from fedprop.properties import Case, cases
from fedprop.types import Updates, Vector

ROUNDING = 1e-11


@st.composite
def begun(draw: st.DrawFn, *, least: int = 0) -> tuple[Case, Updates, Vector]:
    """A case with at least so many Byzantine rows, its rows in float64, and a previous aggregate near one of them."""
    f = draw(st.integers(least, 3))
    case = draw(cases(f=f, min_rows=2 * f + 1))
    rows = case.rows.double()
    away = draw(st.tuples(*[st.integers(-3, 3)] * rows.shape[1]))
    return case, rows, rows[draw(st.integers(0, len(rows) - 1))] + torch.tensor(away)


radii = st.sampled_from([2.0**-22, 0.25, 1.0, 5.0, 1e4])


def clipped(rows: Updates, centre: Vector, radius: float, iterations: int = 1) -> Vector:
    return CenteredClipping(radius=radius, iterations=iterations).aggregate(rows, centre).value


def slack(radius: float, *vectors: Tensor) -> float:
    """What rounding may add to a length: nothing that depends on how far off the rows are."""
    return ROUNDING * (radius + sum(float(vector.norm()) for vector in vectors))


@given(begun(), radii, st.integers(1, 4))
def test_a_round_is_what_the_definition_says(drawn: tuple[Case, Updates, Vector], radius: float, steps: int) -> None:
    _, rows, centre = drawn
    expected = torch.tensor(centered_clipping(rows.tolist(), radius, steps, centre.tolist()), dtype=torch.float64)
    assert (clipped(rows, centre, radius, steps) - expected).norm() <= slack(steps * radius, centre)


@given(begun(), radii, st.integers(1, 3), st.integers(-9, 9), st.sampled_from([0.125, 8.0]))
def test_rows_and_centre_move_together(
    drawn: tuple[Case, Updates, Vector], radius: float, steps: int, shift: int, factor: float
) -> None:
    _, rows, centre = drawn
    answer = clipped(rows, centre, radius, steps)
    shifted = clipped(rows + shift, centre + shift, radius, steps) - shift
    scaled = clipped(factor * rows, factor * centre, factor * radius, steps) / factor
    moved = float(abs(shift) + rows.abs().max()) * ROUNDING
    assert (shifted - answer).norm() <= slack(steps * radius, centre) + moved
    assert (scaled - answer).norm() <= slack(steps * radius, centre)


@given(begun(), radii, st.integers(1, 4))
def test_a_round_leads_no_farther_than_its_steps(
    drawn: tuple[Case, Updates, Vector], radius: float, steps: int
) -> None:
    _, rows, centre = drawn
    moved = float((clipped(rows, centre, radius, steps) - centre).norm())
    target(moved / (steps * radius))
    assert moved <= steps * radius + slack(radius, centre)


@given(begun(least=1), radii, st.sampled_from([-1.0, 0.0, 1e6]))
def test_a_row_counts_for_twice_the_radius_over_n(
    drawn: tuple[Case, Updates, Vector], radius: float, factor: float
) -> None:
    case, rows, centre = drawn
    other = rows.clone()
    other[case.byzantine] *= factor
    changed = float((clipped(rows, centre, radius) - clipped(other, centre, radius)).norm())
    assert changed <= 2 * radius * case.f / len(rows) + slack(radius, centre)


@given(begun())
def test_a_good_start_leaves_little_to_attackers(drawn: tuple[Case, Updates, Vector]) -> None:
    case, rows, centre = drawn
    honest = rows[list(case.honest)]
    radius = float((honest - centre).norm(dim=1).max()) * (1 + 1e-12) or 1.0
    mean = honest.mean(dim=0)
    error, bound = float((clipped(rows, centre, radius) - mean).norm()), float((centre - mean).norm()) + radius
    target(error / bound)
    assert error <= case.f / len(rows) * bound + slack(radius, centre, mean)
