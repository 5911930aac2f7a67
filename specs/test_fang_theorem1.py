"""Theorem 1 of Fang, Cao, Jia, Gong (USENIX Security 2020): how far Krum can be pushed.

Theorem. Let m rows reach Krum, c of them equal to -lambda * s with s in {1, -1}^d, the others honest, and let Krum
tolerate c. If Krum selects a crafted row, then

    lambda <= sqrt(S / ((m - 2c - 1) d)) + max_i |w_i| / sqrt(d),

where S is the least, over honest rows, sum of squared distances to the m - c - 2 nearest honest rows, and rows are
updates, so that the received model is zero.

Preconditions. m >= 2c + 3, where Krum is defined. No component of s is zero: the proof uses |s|^2 = d.

Proof sketch (appendix C). Of the m - c - 2 nearest neighbours of a crafted row, c - 1 are its equals at distance 0 and
m - 2c - 1 are honest. As it is selected, its score is at most that of every honest row, which is at most S, since more
rows only bring neighbours nearer. By the triangle inequality each of those m - 2c - 1 squared distances is at least
(lambda sqrt(d) - max_i |w_i|)^2 as soon as lambda sqrt(d) exceeds the maximum. Solve for lambda.
"""

import math
from random import Random

import torch
from hypothesis import assume, given, settings, target
from hypothesis import strategies as st
from torch import Tensor

from fedprop.attacks import FangKrum, View, lambda_bound, solve_lambda
from fedprop.oracles.krum import ranking, score

THRESHOLD = 1e-5
GRID = [step / 20 for step in range(1, 20)] + [1.0001, 1.01, 1.1, 1.5, 2.0, 4.0, 16.0]


def krum(rows: Tensor, f: int) -> tuple[Tensor, Tensor]:
    """Krum as an attack meets it, from the definition."""
    weights = torch.zeros(len(rows), dtype=rows.dtype)
    weights[ranking(rows.tolist(), len(rows) - f - 2)[0]] = 1
    return weights @ rows, weights


def may_be_selected(benign: Tensor, s: Tensor, c: int, lambda_: float) -> bool:
    """Whether a crafted row has the least score, ties in its favour."""
    rows = torch.cat([(-lambda_ * s).expand(c, -1), benign]).tolist()
    scores = [score(rows, i, len(rows) - c - 2) for i in range(len(rows))]
    return scores[0] <= min(scores[c:])


@st.composite
def games(draw: st.DrawFn) -> tuple[Tensor, Tensor, int]:
    """Honest rows [b, d] on a grid (so that ties and duplicates abound), signs [d], and c."""
    c, d = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    b = draw(st.integers(c + 3, c + 6))
    cells = st.lists(st.integers(-80, 80), min_size=d, max_size=d)
    benign = torch.tensor(draw(st.lists(cells, min_size=b, max_size=b)), dtype=torch.float64) / 8
    s = torch.tensor(draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=d, max_size=d)), dtype=torch.float64)
    return benign, s, c


@given(games())
@settings(deadline=None)
def test_every_selected_lambda_obeys_the_bound(game: tuple[Tensor, Tensor, int]) -> None:
    benign, s, c = game
    bound = lambda_bound(benign, c)
    unit = bound or 1.0
    selected = [step * unit for step in GRID if may_be_selected(benign, s, c, step * unit)]
    target(max(selected, default=0.0) / unit)
    assert max(selected, default=0.0) <= bound


def test_the_bound_is_reached() -> None:
    # Equal honest rows: S = 0, and the crafted rows may join them, at the very bound.
    benign = torch.full((5, 3), -2.0, dtype=torch.float64)
    s = torch.ones(3, dtype=torch.float64)
    assert math.isclose(lambda_bound(benign, 2), 2.0)
    assert may_be_selected(benign, s, 2, 2.0)
    assert not may_be_selected(benign, s, 2, 2.0 + 1e-9)


def test_neither_term_suffices_alone() -> None:
    # Six orthogonal honest rows, orthogonal to s, and two crafted ones: lambda = 1.2 is selected, while the second term
    # is 1; in the test above lambda = 2 is selected, while the first term is 0.
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    hadamard = torch.kron(pair, torch.kron(pair, pair))
    s, benign = hadamard[0], hadamard[1:7]
    longest = float(benign.norm(dim=1).max()) / math.sqrt(8)
    assert longest == 1.0
    assert may_be_selected(benign, s, 2, 1.2)
    assert math.isclose(lambda_bound(benign, 2), math.sqrt(4 * 16 / (3 * 8)) + longest)


@given(games())
@settings(deadline=None)
def test_the_search_starts_at_the_bound_and_halves_no_further_than_needed(game: tuple[Tensor, Tensor, int]) -> None:
    benign, s, c = game
    bound = lambda_bound(benign, c)
    lambda_ = solve_lambda(benign, c, s, krum, threshold=THRESHOLD)
    tried = [bound / 2**i for i in range(60) if bound / 2**i >= THRESHOLD]
    # Crafted rows last: here ties count against them.
    selected = [
        t for t in tried if int(krum(torch.cat([benign, (-t * s).expand(c, -1)]), c)[1].argmax()) >= len(benign)
    ]
    assert lambda_ == max(selected, default=None)
    if lambda_ is not None:
        assert may_be_selected(benign, s, c, lambda_)
        assert 2 * lambda_ > bound or 2 * lambda_ not in selected


@given(games(), st.data())
@settings(deadline=None)
def test_the_attack_starts_at_a_bound_that_reads_benign_rows_only(
    game: tuple[Tensor, Tensor, int], data: st.DataObject
) -> None:
    benign, _, c = game
    d = benign.shape[1]
    assume(lambda_bound(benign, c) > THRESHOLD)
    cells = st.lists(st.integers(-80, 80), min_size=d, max_size=d)
    own = torch.tensor(data.draw(st.lists(cells, min_size=c, max_size=c)), dtype=torch.float64)
    shown: list[Tensor] = []

    def recording(rows: Tensor, f: int) -> tuple[Tensor, Tensor]:
        shown.append(rows)
        return krum(rows, f)

    FangKrum(knowledge="full").answer(View(own, benign, torch.zeros(d), recording, torch.Generator()))
    first_trial = shown[1]  # the attack asks for the directions before that
    assert torch.equal(first_trial[: len(benign)], benign)
    assert (first_trial[len(benign) :].abs() == lambda_bound(benign, c)).all()


@given(games(), st.randoms(use_true_random=False), st.sampled_from([0.25, 4.0]))
@settings(deadline=None)
def test_the_bound_ignores_order_and_reflection_and_scales(
    game: tuple[Tensor, Tensor, int], random: Random, factor: float
) -> None:
    benign, s, c = game
    order = random.sample(range(len(benign)), len(benign))
    bound = lambda_bound(benign, c)
    assert math.isclose(lambda_bound(benign[order] * s, c), bound, rel_tol=1e-12)
    assert math.isclose(lambda_bound(factor * benign, c), factor * bound, rel_tol=1e-12)
