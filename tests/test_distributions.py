import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from fedprop.distributions import AnyDistribution, Constant, Distribution, Exponential, LogNormal, Pareto
from fedprop.errors import RunFailed
from fedprop.rng import uniform

SAMPLES = [
    (Constant(value=2.0), None),
    (Exponential(mean=3.0), stats.expon(scale=3.0)),
    (LogNormal(median=2.0, sigma=0.7), stats.lognorm(s=0.7, scale=2.0)),
    (Pareto(minimum=1.5, alpha=2.5), stats.pareto(b=2.5, scale=1.5)),
]
units = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
PARSE = TypeAdapter(AnyDistribution).validate_python


@pytest.mark.parametrize(("ours", "reference"), SAMPLES[1:], ids=lambda v: getattr(v, "kind", ""))
@given(u=units)
def test_quantiles_agree_with_scipy(ours, reference, u):
    assert ours.quantile(u) == pytest.approx(reference.ppf(u), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("distribution", [d for d, _ in SAMPLES], ids=lambda d: d.kind)
@given(u=units, v=units)
def test_quantiles_are_non_negative_and_do_not_decrease(distribution, u, v):
    low, high = distribution.quantile(min(u, v)), distribution.quantile(max(u, v))
    assert 0.0 <= low <= high


@pytest.mark.parametrize(("ours", "reference"), SAMPLES[1:], ids=lambda v: getattr(v, "kind", ""))
def test_draws_from_counters_follow_the_distribution(ours, reference):
    draws = [ours.quantile(uniform(0, "test", i)) for i in range(2000)]
    assert stats.kstest(draws, reference.cdf).pvalue > 0.001


def test_what_the_parameters_mean():
    assert Constant(value=0.0).quantile(0.3) == 0.0
    assert Exponential(mean=3.0).quantile(1 - math.exp(-1)) == pytest.approx(3.0)
    assert LogNormal(median=2.0, sigma=9.0).quantile(0.5) == pytest.approx(2.0)
    assert Pareto(minimum=1.5, alpha=2.0).quantile(0.75) == pytest.approx(3.0)


@pytest.mark.parametrize("u", [2.0**-53, 0.5, 1 - 2.0**-53])
@pytest.mark.parametrize("distribution", [LogNormal(median=1.0, sigma=50.0), Pareto(minimum=1.0, alpha=0.1)])
def test_the_heaviest_tails_stay_finite(distribution, u):
    assert math.isfinite(distribution.quantile(u))


@pytest.mark.parametrize("number", [0, 2, 0.5])
def test_a_bare_number_stands_for_a_constant(number):
    assert PARSE(number) == Constant(value=number)


def test_kinds_are_told_apart_by_name():
    assert PARSE({"kind": "pareto", "minimum": 1, "alpha": 2}) == Pareto(minimum=1, alpha=2)


@pytest.mark.parametrize(
    "wrong",
    [
        -1,
        float("nan"),
        float("inf"),
        {"kind": "gamma", "mean": 1},
        {"kind": "exponential", "mean": 0},
        {"kind": "exponential", "mean": 1, "sigma": 1},
        {"kind": "lognormal", "median": 1, "sigma": -1},
        {"kind": "lognormal", "median": 1, "sigma": 51},
        {"kind": "pareto", "minimum": 0, "alpha": 1},
        {"kind": "pareto", "minimum": 1, "alpha": 0.01},
        "fast",
        None,
    ],
)
def test_what_is_no_distribution_on_positive_numbers_is_refused(wrong):
    with pytest.raises(ValidationError):
        PARSE(wrong)


class Odd(Distribution):
    """Answers with what it is told."""

    kind: str = "odd"
    answer: Any

    def quantile(self, u):
        return 1 / 0 if self.answer == "raise" else self.answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (-1.0, "it must answer with a finite number from 0 on; found -1.0"),
        (math.inf, "found inf"),
        (math.nan, "found nan"),
        ("soon", "TypeError"),
        ("raise", "ZeroDivisionError"),
    ],
)
def test_one_of_ones_own_that_answers_wrongly_is_named(answer, sentence):
    with pytest.raises(RunFailed, match=f"distribution odd failed in `quantile`: .*{sentence}"):
        Odd(answer=answer).draw(0, "test", 1)


def test_one_of_ones_own_is_named_by_place(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from fedprop.distributions import Distribution\n"
        "class Twice(Distribution):\n"
        "    kind: str = 'twice'\n"
        "    def quantile(self, u): return 2 * u\n"
    )
    monkeypatch.chdir(tmp_path)
    found = TypeAdapter(AnyDistribution).validate_python({"kind": "mine.py:Twice"})
    assert 0 < found.draw(0, "test", 1) < 2
