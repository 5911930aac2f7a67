"""How far the gradients of two clients are apart, in terms of their labels and their models.

Theorem 1 of Lu et al. 2024 (HeteroFL), after Zhao et al., "Federated Learning with Non-IID Data", 2018, reads

    |g_i - g_j| <= sum_l tau_l |w_i - w_j| + G sum_l |X_i[y = l] - X_j[y = l]|.

What the symbols are is left open. We prove this, for any two clients:

**Theorem.** Let p_i(l) be the share of client i's examples that belong to class l; m_il(w) the mean gradient of these;
tau_il a Lipschitz constant of it. Let m_jl stand for m_il where j holds none of class l, and the other way round. Then

    |g_i(w_i) - g_j(w_j)| <= sum_l p_i(l) tau_il |w_i - w_j| + sum_l p_i(l) |m_il(w_j) - m_jl(w_j)|
                             + G sum_l |p_i(l) - p_j(l)|,         G = max_l |m_jl(w_j)|.

Proof. A client's gradient is sum_l p(l) m_l(w). Put w_j for w_i, then m_jl for m_il, then p_j for p_i: three changes.

**Corollary 1.** Where the examples of a class look alike to both clients (m_il = m_jl), the middle sum is zero, and the
printed bound holds; it adds up the constants of all classes where their mean by shares will do.

**Corollary 2.** After K steps of gradient descent over all data, with L = sum_l p_i(l) tau_il and D for the second and
third sum, with G and differences over all models, the updates are apart by at most
((1 + lr L)^K - 1) (|w_i - w_j| + D / L).
Proof. Let e_k be the distance of the two models after k steps: e_(k+1) <= (1 + lr L) e_k + lr D. The updates are apart
by at most lr times the sum of L e_k + D over k < K.

What does not hold, each shown below: the printed bound where a class looks otherwise to two clients, which in a finite
sample it always does, even under IID; with a G that bounds whole gradients and not those of each class; for what a
client sends after several steps. Load diversity (equation 2) is not in it: clients of the same shares and of however
different sizes have the same gradient, while Remark 1 has gradients differ more as either diversity grows.
"""

import math

import torch
from hypothesis import given, settings, target
from hypothesis import strategies as st
from softmax import OfClass, by_class, gradient, updates

from fedprop.data import label_counts, load_diversity
from fedprop.data.base import Examples

CLASSES = 3
SLACK = 1 + 1e-9
numbers = st.floats(-3.0, 3.0, width=32)
points = st.tuples(numbers, numbers)
models = st.lists(numbers, min_size=3 * CLASSES, max_size=3 * CLASSES).map(lambda w: torch.tensor(w).double())
SETTINGS = settings(max_examples=40)


def examples(x, y) -> Examples:
    return Examples(torch.tensor(x, dtype=torch.float64).view(len(y), -1), torch.tensor(y))


clients = st.lists(st.tuples(points, st.integers(0, CLASSES - 1)), min_size=1, max_size=6).map(
    lambda held: examples([x for x, _ in held], [y for _, y in held])
)


@st.composite
def alike(draw):
    """Two clients, to whom each class looks alike: they hold copies of the same examples of it, as many as may be."""
    pool = [draw(st.lists(points, min_size=1, max_size=2)) for _ in range(CLASSES)]
    found = []
    for _ in range(2):
        copies = draw(st.lists(st.integers(0, 3), min_size=CLASSES, max_size=CLASSES).filter(any))
        held = [(x, y) for y, (own, times) in enumerate(zip(pool, copies, strict=True)) for x in own * times]
        found.append(examples([x for x, _ in held], [y for _, y in held]))
    return found


def classes_of(i: Examples, j: Examples) -> list[tuple[OfClass, OfClass]]:
    """Each class that either holds, as each of them knows it; who does not takes the other's word, and a share of 0."""
    a, b = by_class(i, CLASSES), by_class(j, CLASSES)
    both = [(a.get(label), b.get(label)) for label in sorted(a.keys() | b.keys())]
    return [(m or n._replace(share=0.0), n or m._replace(share=0.0)) for m, n in both]


def bound(i: Examples, j: Examples, w_i, w_j) -> float:
    """The right side of the theorem."""
    known = classes_of(i, j)
    moved = sum(m.share * m.lipschitz for m, _ in known) * float((w_i - w_j).norm())
    unlike = sum(m.share * float((m.gradient(w_j) - n.gradient(w_j)).norm()) for m, n in known)
    return moved + unlike + largest(j, i, w_j) * difference(i, j)


def difference(i: Examples, j: Examples) -> float:
    """The sum over classes of how far their shares are apart."""
    return sum(abs(m.share - n.share) for m, n in classes_of(i, j))


def largest(j: Examples, i: Examples, w) -> float:
    """G: the longest mean gradient of a class, as client j knows it."""
    return max(float(m.gradient(w).norm()) for m, _ in classes_of(j, i))


def apart(i: Examples, j: Examples, w_i, w_j) -> float:
    return float((gradient(w_i, i, CLASSES) - gradient(w_j, j, CLASSES)).norm())


@SETTINGS
@given(clients, clients, models, models)
def test_gradients_are_no_farther_apart_than_labels_inputs_and_models_make_them(i, j, w_i, w_j):
    limit = bound(i, j, w_i, w_j)
    found = apart(i, j, w_i, w_j)
    if limit > 1e-6:
        target(found / limit)
    assert found <= limit * SLACK + 1e-12


@SETTINGS
@given(alike(), models, models)
def test_where_classes_look_alike_the_printed_bound_holds(pair, w_i, w_j):
    """For both ways to take G: at the model, and over all models, which is sqrt(2) times the longest input."""
    i, j = pair
    printed = sum(m.lipschitz for m, _ in classes_of(i, j)) * float((w_i - w_j).norm())
    anywhere = math.sqrt(2) * max(float((own.x.square().sum(dim=1) + 1).max().sqrt()) for own in pair)
    found = apart(i, j, w_i, w_j)
    assert largest(j, i, w_j) <= anywhere * SLACK
    for length in (largest(j, i, w_j), anywhere):
        assert found <= (printed + length * difference(i, j)) * SLACK + 1e-12


@settings(max_examples=12)
@given(alike(), models, models, st.integers(1, 5), st.sampled_from([0.01, 0.1, 1.0]))
def test_updates_of_several_steps_are_no_farther_apart_than_corollary_2_says(pair, w_i, w_j, steps, lr):
    i, j = pair
    changes = sum(m.share * m.lipschitz for m, _ in classes_of(i, j))
    length = math.sqrt(2) * max(float((own.x.square().sum(dim=1) + 1).max().sqrt()) for own in pair)
    limit = ((1 + lr * changes) ** steps - 1) * (float((w_i - w_j).norm()) + length * difference(i, j) / changes)
    first, second = updates(pair, [w_i, w_j], CLASSES, steps=steps, lr=lr)
    assert float((first - second).norm()) <= limit * SLACK + 1e-12


@settings(max_examples=10)
@given(alike(), models, st.integers(2, 50), st.integers(1, 3))
def test_however_uneven_the_loads_equal_shares_learn_the_same(pair, start, times, steps):
    """Load diversity alone, as large as one likes, moves neither side of the bound."""
    few = pair[0]
    many = Examples(few.x.repeat(times, 1), few.y.repeat(times))
    first, second = updates([few, many], [start, start], CLASSES, steps=steps, lr=0.1)
    torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)
    labels, ids = torch.cat([few.y, many.y]), torch.arange(len(few) + len(many))
    counts = label_counts(labels, [ids[: len(few)], ids[len(few) :]], CLASSES)
    expected = (times - 1) / 2 * counts[0].double()
    torch.testing.assert_close(load_diversity(counts), expected)
    assert difference(few, many) < 1e-12


ZERO = torch.zeros(2 * CLASSES, dtype=torch.float64)
ONE, OTHER = examples([1.0], [0]), examples([1.0], [1])


def test_the_bound_is_reached():
    """One example each, of one input and of the two classes that there are: at zero their gradients are opposite.

    They are (-1, 1) / 2 x (1, 1) and its negative, of length 1, and the shares differ by 1 + 1.
    """
    start = torch.zeros(4, dtype=torch.float64)
    first, second = (gradient(start, own, 2) for own in (ONE, OTHER))
    assert float(second.norm()) == 1.0
    assert float((first - second).norm()) == 2.0 == float(second.norm()) * difference(ONE, OTHER)


def test_the_printed_bound_does_not_hold_where_a_class_looks_otherwise():
    """The same labels, the same model, and other inputs: the printed bound is 0."""
    i, j = examples([1.0], [0]), examples([2.0], [0])
    assert difference(i, j) == 0.0
    assert apart(i, j, ZERO, ZERO) > 0.8
    assert apart(i, j, ZERO, ZERO) <= bound(i, j, ZERO, ZERO) * SLACK


def test_it_does_not_hold_for_a_bound_on_whole_gradients():
    """Classes 0 and 1 half and half at one input, and 3 to 1: what they have in common counts in neither difference.

    With two classes the first gradient is 0 and the second (-1, 1) / 4 x (1, 1): the clients are 1/2 apart, and twice
    1/4 of the longer of their own gradients is 1/4.
    """
    start = torch.zeros(4, dtype=torch.float64)
    even, uneven = examples([1.0] * 2, [0, 1]), examples([1.0] * 4, [0, 0, 0, 1])
    found = [gradient(start, own, 2) for own in (even, uneven)]
    gap = float((found[0] - found[1]).norm())
    assert math.isclose(gap, 0.5)
    assert math.isclose(max(float(each.norm()) for each in found) * difference(even, uneven), 0.25)


def test_a_bound_on_one_gradient_is_none_on_what_several_steps_make_of_it():
    """Two clients who start at one model and hold one class each."""
    for steps, holds in ((1, True), (2, False)):
        first, second = updates([ONE, OTHER], [ZERO, ZERO], CLASSES, steps=steps, lr=0.1)
        assert (float((first - second).norm()) <= 0.1 * bound(ONE, OTHER, ZERO, ZERO)) == holds
