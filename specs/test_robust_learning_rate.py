"""The vote window of the robust learning rate: f < theta <= n - 2f.

Ozdayi, Kantarcioglu and Gel, AAAI 2021, Section 4, on the choice of theta. Let f of n rows be Byzantine.

**Theorem 1.** A coordinate moves with the aggregate exactly if |votes above - votes below| >= theta, and against it
otherwise.

**Theorem 2.** With theta <= n - 2f, a coordinate on which all honest rows agree moves with the aggregate, whatever the
f send; with theta > f, one that no honest row moves goes against it. Both bounds are the best: with theta = n - 2f + 1
the f can turn a unanimous coordinate by voting against it, and with theta = f they push a silent one. *Proof.* The sum
of signs is at least (n - f) - f in the first case, and at most f in the second, and both are attained.
"""

from itertools import product

import torch

from fedprop.aggregators import RobustLearningRate, SignMajority

SIZES = [(n, f) for n in range(1, 7) for f in range((n + 1) // 2)]


def moves_with(votes: list[tuple[int, ...]], theta: int) -> list[bool]:
    """For each coordinate, in which rows have such signs, whether it moves with the mean, which is not 0."""
    sizes = 2.0 ** torch.arange(len(votes[0]), dtype=torch.float64)
    rows = torch.tensor(votes, dtype=torch.float64).T * sizes[:, None]
    mean, found = rows.mean(dim=0), RobustLearningRate(theta=theta)(rows)
    assert torch.allclose(found.abs(), mean.abs(), rtol=1e-12)
    assert (mean != 0).all()
    return (found * mean > 0).tolist()


def all_votes(voters: int) -> list[tuple[int, ...]]:
    return list(product((-1, 0, 1), repeat=voters))


def test_a_coordinate_moves_with_the_sum_or_against_it_exactly_per_vote() -> None:
    for n in range(1, 7):
        votes = [signs for signs in all_votes(n) if any(signs)]
        for theta in range(n + 1):
            assert moves_with(votes, theta) == [abs(sum(signs)) >= theta for signs in votes]


def test_the_window() -> None:
    tried = 0
    for n, f in SIZES:
        for theta in range(f + 1, n - 2 * f + 1):
            tried += 1
            assert all(moves_with([(1,) * (n - f) + crafted for crafted in all_votes(f)], theta))
            pushed = [(0,) * (n - f) + crafted for crafted in all_votes(f) if any(crafted)]
            assert not pushed or not any(moves_with(pushed, theta))
    assert tried == 27


def test_outside_the_window_attackers_have_their_way() -> None:
    for n, f in SIZES:
        if f:
            assert moves_with([(0,) * (n - f) + (1,) * f], theta=f) == [True]
            assert moves_with([(1,) * (n - f) + (-1,) * f], theta=n - 2 * f + 1) == [False]


def test_votes_count_and_not_lengths() -> None:
    rows = torch.tensor([[1.0], [1.0], [-1e9]])
    assert float(RobustLearningRate(theta=2, rule=SignMajority())(rows)) == -1.0
