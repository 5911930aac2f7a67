"""A verdict says what Z3 showed and no more."""

from fractions import Fraction

import pytest

z3 = pytest.importorskip("z3", reason="needs the extra `proofs`")

from proofs.formulas import krum_selects, line_distances, reals, unknown_distances
from proofs.prover import Goal, Proved, Refuted, Unproved, column, number, prove, prove_all, require

pytestmark = pytest.mark.proof

x, y = z3.Reals("x y")
TRUE = Goal(x * x >= 0)
FALSE = Goal(x * x > 0)
a, b, c = z3.Ints("a b c")
# Fermat's theorem for cubes: true, and beyond Z3.
HARD = Goal(a * a * a + b * b * b != c * c * c, [a > 0, b > 0, c > 0])


def test_what_follows_is_proved():
    assert prove(TRUE) == Proved()
    assert prove(Goal(x + y >= 2, [x >= 1, y >= 1])) == Proved()


def test_what_does_not_follow_is_refuted_by_a_model_that_meets_the_premises():
    verdict = prove(Goal(x + y >= 2, [x >= 1]))
    assert isinstance(verdict, Refuted)
    assert number(verdict.model, x) >= 1
    assert number(verdict.model, x) + number(verdict.model, y) < 2


def test_what_z3_cannot_tell_is_unproved():
    verdict = prove(HARD, patience=0.01)
    assert isinstance(verdict, Unproved)
    assert str(verdict).startswith("UNPROVED (")


def test_premises_that_contradict_one_another_prove_nothing():
    verdict = prove(Goal(x == 7, [x > 0, x < 0]))
    assert verdict == Unproved("the premises contradict one another")


def test_premises_that_may_contradict_one_another_prove_nothing():
    unknown = a * a * a + b * b * b == c * c * c
    verdict = prove(Goal(x * x >= 0, [unknown, a > 0, b > 0, c > 0]), patience=0.01)
    assert isinstance(verdict, Unproved)


@pytest.mark.parametrize(
    ("goals", "kind"),
    [
        ([], Proved),
        ([TRUE, TRUE], Proved),
        ([TRUE, FALSE], Refuted),
        ([HARD, TRUE], Unproved),
        ([HARD, FALSE], Refuted),
    ],
)
def test_all_are_proved_only_if_each_is(goals, kind):
    assert isinstance(prove_all(goals, patience=0.01), kind)


def test_a_theorem_that_is_not_proved_fails_by_name():
    with pytest.raises(AssertionError, match=r"^UNPROVED \(timeout\): cubes$"):
        require(Proved, Unproved("timeout"), "cubes")
    with pytest.raises(AssertionError, match=r"^proved: a bound that must fail$"):
        require(Refuted, Proved(), "a bound that must fail")
    assert require(Proved, prove(TRUE), "squares") == Proved()


def test_numbers_are_exact_where_they_can_be():
    third = prove(Goal(3 * x != 1))
    assert number(third.model, x) == Fraction(1, 3)
    root = prove(Goal(x * x != 2, [x > 0]))
    assert abs(number(root.model, x) ** 2 - 2) < Fraction(1, 10**20)


def test_a_column_holds_the_values_in_order_and_zero_for_what_may_be_anything():
    verdict = prove(Goal(z3.Or(x != 2, y != -1)))
    rows = column(verdict.model, [y, x, z3.Real("unmentioned")])
    assert rows.tolist() == [[-1.0], [2.0], [0.0]]


@pytest.mark.parametrize(
    ("chosen", "neighbours", "selected"), [(1, [0, 2], True), (1, [0, 3], False), (0, [1, 2], False)]
)
def test_krum_as_a_formula(chosen, neighbours, selected):
    # Squared distances to the two nearest: 1 + 9 for row 0, 1 + 4 for row 1, 4 + 9 for row 2.
    rows = [z3.RealVal(value) for value in (0, 1, 3, 50, -50)]
    formula = z3.simplify(krum_selects(line_distances(rows), chosen, neighbours, 5))
    assert z3.is_true(formula) == selected
    assert z3.is_false(formula) != selected


def test_unknown_distances_are_symmetric_and_zero_on_the_diagonal():
    distances = unknown_distances(3)
    assert distances[0, 2].eq(distances[2, 0])
    assert not distances[0, 2].eq(distances[1, 2])
    assert number(prove(Goal(z3.BoolVal(False))).model, distances[1, 1]) == 0
    assert len(set(map(str, reals("x", 3)))) == 3
