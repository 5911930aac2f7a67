"""The exact constants of trimmed mean and median, proved for every real input with few rows.

**Theorem (`specs/test_exact_constants.py`).** With f Byzantine values among n, the squared error of the trimmed mean or
the median against the honest mean is at most (h - a) / a times the honest variance; h = n - f, and a is as there. (The
measure is that of Allouah et al., AISTATS 2023, Definition 2.)

*What Z3 is asked*, in two steps that together say it. First, for every choice of which of n ascending values are
Byzantine, that the answer is at most the mean of the a largest honest values; turned around, the same holds below.
Then, for any h values, that the mean of a of them is no farther from the mean of all than that. Since both only speak
of differences, the last value can be taken as minus the sum of the others: a mean of zero.
"""

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

import pytest

z3 = pytest.importorskip("z3", reason="needs the extra `proofs`")

from proofs.formulas import reals
from proofs.prover import Goal

from fedprop.aggregators import Aggregator, Median, TrimmedMean
from fedprop.aggregators.order_statistics import median_kappa, trimmed_mean_kappa

pytestmark = pytest.mark.proof

RULES: list[tuple[Aggregator, Callable[[int, int], float]]] = [
    *((TrimmedMean(f=f), trimmed_mean_kappa) for f in (1, 2)),
    (Median(), median_kappa),
]
CASES = [
    pytest.param(rule, n, f, id=f"{rule.kind}-n{n}-f{f}")
    for rule, _ in RULES
    for n in range(3, 7)
    for f in range(1, (n + 1) // 2)
    if getattr(rule, "f", f) == f
]


def averaged(rule: Aggregator, n: int, f: int) -> int:
    """How many of the largest honest values bound the answer: `a`."""
    return n - 2 * f if isinstance(rule, TrimmedMean) else n // 2 + 1 - f


def mean(values: Sequence[z3.ArithRef]) -> z3.ArithRef:
    return z3.Sum(list(values)) / len(values)


@pytest.mark.parametrize(("rule", "n", "f"), CASES)
def test_the_answer_is_at_most_the_mean_of_the_largest(
    rule: TrimmedMean | Median, n: int, f: int, proved: Callable[..., None]
) -> None:
    values, a = reals("y", n), averaged(rule, n, f)
    ascending = [low <= high for low, high in pairwise(values)]
    used = rule.used(n)
    out = mean(values[used.start : used.stop])
    goals = [
        Goal(out <= mean([value for i, value in enumerate(values) if i not in byzantine][-a:]), ascending)
        for byzantine in combinations(range(n), f)
    ]
    proved(f"{rule.kind} is at most the mean of the largest honest values", goals, n=n, f=f, d="any")


@pytest.mark.parametrize(("honest", "a"), [(h, a) for h in range(2, 6) for a in range(1, h)])
def test_the_mean_of_some_is_near_the_mean_of_all(honest: int, a: int, proved: Callable[..., None]) -> None:
    free = reals("x", honest - 1)
    values = [*free, -z3.Sum(free)]
    variance = z3.Sum([value * value for value in values]) / honest
    some = mean(values[:a])
    goal = Goal(a * some * some <= (honest - a) * variance)
    proved("the mean of a of h values is near the mean of all", [goal], n=honest, f=honest - a, d="any")


@pytest.mark.parametrize(("rule", "n", "f"), CASES)
def test_the_contract_claims_what_is_proved(rule: Aggregator, n: int, f: int) -> None:
    a = averaged(rule, n, f)
    kappa = rule.contract().kappa
    assert kappa is not None
    assert kappa.bound(n, f) == (n - f - a) / a
