"""Median and trimmed mean stay in the honest range: proved for every real input with up to nine rows.

**Theorem (Yin et al., ICML 2018, in the proofs of Theorems 1 and 4).** If at most f of n values are Byzantine, then the
mean without the f smallest and f largest (n >= 2f + 1) lies between the smallest and the largest honest value. So does
the median for every f < n/2: it is that mean with f = (n - 1) // 2.

*What Z3 is asked.* Both rules treat coordinates alone, so d = 1 says it for every d. They see sorted values only; sort
the values of any input and let each carry its mark, honest or not. So it is enough to take n unknown numbers in
ascending order and n unknown marks, at least n - f of them honest, and to ask for a result below every honest value or
above every one. The marks are left to Z3: every choice of Byzantine rows is covered.

*Left out.* With one Byzantine row more, Z3 must find values that drag the result far from every honest one, and the
package's own rule must follow them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

z3 = pytest.importorskip("z3", reason="needs the extra `proofs`")

import torch
from proofs.formulas import reals
from proofs.prover import Goal, Refuted, column

from fedprop.aggregators import Aggregator, Median, TrimmedMean

pytestmark = pytest.mark.proof

FAR = 1000
MEDIANS = [pytest.param(Median(), n, (n - 1) // 2, id=f"median-n{n}-f{(n - 1) // 2}") for n in range(3, 10)]
TRIMMED_MEANS = [
    pytest.param(TrimmedMean(f=f), n, f, id=f"trimmed_mean-n{n}-f{f}")
    for n in range(3, 10)
    for f in range(1, (n + 1) // 2)
]


def trimmed_mean(ordered: Sequence[z3.ArithRef], f: int) -> z3.ArithRef:
    """The mean of ascending values without the f smallest and the f largest."""
    kept = ordered[f : len(ordered) - f]
    return z3.Sum(kept) / len(kept)


def stays_near(out: z3.ArithRef, values: Sequence[z3.ArithRef], honest: Sequence[z3.BoolRef], slack: int) -> z3.BoolRef:
    """`out` is within the range of the honest values, or no further than `slack` away from it."""
    above = z3.Or([z3.And(mark, value <= out + slack) for value, mark in zip(values, honest, strict=True)])
    below = z3.Or([z3.And(mark, value >= out - slack) for value, mark in zip(values, honest, strict=True)])
    return z3.And(above, below)


def goal(n: int, *, trimmed: int, byzantine: int, slack: int = 0) -> Goal:
    """At most `byzantine` of n rows cannot drag the mean without the `trimmed` outermost values out of the range."""
    values, honest = reals("y", n), z3.Bools([f"honest{i}" for i in range(n)])
    ascending = [a <= b for a, b in pairwise(values)]
    enough = z3.PbGe([(mark, 1) for mark in honest], n - byzantine)
    return Goal(stays_near(trimmed_mean(values, trimmed), values, honest, slack), [*ascending, enough])


@pytest.mark.parametrize(("rule", "n", "f"), MEDIANS + TRIMMED_MEANS)
def test_never_leaves_the_honest_range(rule: Aggregator, n: int, f: int, proved: Callable[..., None]) -> None:
    proved(f"{rule.kind} stays in the honest range", [goal(n, trimmed=f, byzantine=f)], n=n, f=f, d="any")


@pytest.mark.parametrize(("rule", "n", "f"), MEDIANS + TRIMMED_MEANS)
def test_one_byzantine_row_more_drags_it_away(
    rule: Aggregator, n: int, f: int, refuted: Callable[..., Refuted]
) -> None:
    name = f"{rule.kind} stays in the honest range, one Byzantine row more"
    model = refuted(name, goal(n, trimmed=f, byzantine=f + 1, slack=FAR), n=n, f=f + 1, d="1").model
    rows = column(model, reals("y", n))
    marks = z3.Bools([f"honest{i}" for i in range(n)])
    honest = rows[[z3.is_true(model.eval(mark, model_completion=True)) for mark in marks]]
    out = float(rule(rows))
    assert max(float(honest.min()) - out, out - float(honest.max())) > FAR * (1 - 1e-9)


@pytest.mark.parametrize(("rule", "n", "f"), MEDIANS + TRIMMED_MEANS)
def test_the_package_computes_the_mean_that_is_proved(rule: Median | TrimmedMean, n: int, f: int) -> None:
    shares = torch.zeros(1, n, dtype=torch.float64)
    shares[0, f : n - f] = 1 / (n - 2 * f)
    assert torch.equal(rule.shares(torch.zeros(1, n)), shares)
    assert rule.used(n) == range(f, n - f)
