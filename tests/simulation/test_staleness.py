import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fedprop.errors import WrongAnswer
from fedprop.simulation.staleness import (
    AnyStaleness,
    ConstantStaleness,
    HingeStaleness,
    PolynomialStaleness,
    Staleness,
)

KINDS = st.one_of(
    st.just(ConstantStaleness()),
    st.builds(PolynomialStaleness, a=st.floats(0.0, 5.0)),
    st.builds(HingeStaleness, a=st.floats(1e-3, 100.0), b=st.floats(0.0, 20.0)),
)


@given(KINDS, st.integers(0, 1000))
def test_weights_lie_in_0_1_start_at_1_and_never_rise(staleness, tau):
    assert staleness.weight(0) == 1.0
    assert 0.0 < staleness.weight(tau + 1) <= staleness.weight(tau) <= 1.0


def test_the_polynomial_is_fedbuffs_by_default():
    assert [PolynomialStaleness().weight(tau) for tau in range(4)] == pytest.approx(
        [1 / math.sqrt(1 + tau) for tau in range(4)]
    )


def test_the_hinge_waits_for_b_versions_and_then_falls_from_just_below_1():
    hinge = HingeStaleness(a=10.0, b=4.0)
    assert [hinge.weight(tau) for tau in (0, 4, 5, 6)] == pytest.approx([1.0, 1.0, 1 / 11, 1 / 21])
    assert HingeStaleness(a=1e-9, b=4.0).weight(5) == pytest.approx(1.0)


def test_kinds_are_told_apart_by_name():
    assert TypeAdapter(AnyStaleness).validate_python({"kind": "hinge", "b": 2}) == HingeStaleness(b=2)


@pytest.mark.parametrize(
    "wrong", [{"kind": "polynomial", "a": -1}, {"kind": "hinge", "a": 0}, {"kind": "hinge", "b": -1}, {"kind": "none"}]
)
def test_weights_that_would_rise_are_refused(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyStaleness).validate_python(wrong)


class Odd(Staleness):
    """Answers with what it is told."""

    kind: str = "odd"
    answer: object

    def weight(self, tau):
        return self.answer


@pytest.mark.parametrize("answer", [-0.1, 1.5, math.nan, "half"])
def test_one_of_ones_own_that_answers_wrongly_is_named(answer):
    with pytest.raises(WrongAnswer, match="the staleness Odd must answer with a weight from 0 to 1; found"):
        Odd(answer=answer).weights([0, 1])
    assert Odd(answer=0.5).weights([0, 1]) == [0.5, 0.5]


def test_one_of_ones_own_is_named_by_place(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from fedprop.simulation.staleness import Staleness\n"
        "class Halving(Staleness):\n"
        "    kind: str = 'halving'\n"
        "    def weight(self, tau): return 0.5 ** tau\n"
    )
    monkeypatch.chdir(tmp_path)
    assert TypeAdapter(AnyStaleness).validate_python("mine.py:Halving").weights([0, 2]) == [1.0, 0.25]
