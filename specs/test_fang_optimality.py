"""Section 3.3 of Fang, Cao, Jia, Gong (USENIX Security 2020): no crafted rows do better against trimmed mean or median.

Theorem. Let b honest and c crafted rows reach a coordinate-wise rule that answers with the mean of the values ranked
c + 1 to n - c (trimmed mean), or with the median. Among all crafted rows, those with c values at or beyond the largest
honest one in the coordinates that would fall (s = -1), and at or beyond the smallest honest one elsewhere, maximise
the directed deviation s^T (w - w'). How far beyond makes no difference. Under the deviation goal |w - w'|_1
(appendix B) the better of the two sides in each coordinate is a maximum.

Preconditions. b > c: honest rows are the majority. The trimmed mean trims c on each side.

Proof sketch. Coordinates are independent. Each ranked value is monotone in every crafted one, and so are both rules.
With all crafted values at or above the largest honest value, the ranks 1 to b hold the honest values; both rules read
ranks up to b only, so they have reached their supremum, wherever above the crafted values are. Downwards alike.
|w - w'| is convex in w', so its maximum over the range of w' is at an end.
"""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fedprop.attacks import Assumed, Attack, FangMedian, FangTrimmedMean, View
from fedprop.oracles.median import median
from fedprop.oracles.trimmed_mean import trimmed_mean

FAR = 1e6


def answer(kind: str, rows: Tensor, f: int) -> Tensor:
    """What the rule answers, by its definition."""
    listed = rows.tolist()
    return torch.tensor(median(listed) if kind == "median" else trimmed_mean(listed, f), dtype=rows.dtype)


def assumed(kind: str) -> Assumed:
    """The rule as an attack meets it; these attacks read no weights."""
    return lambda rows, f: (answer(kind, rows, f), torch.full((len(rows),), 1 / len(rows)))


@st.composite
def games(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, int]:
    """Own rows [c, d], benign rows [b, d] with b > c, the received parameters [d], and a seed."""
    c, d = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    b = draw(st.integers(c + 1, c + 4))
    cells = st.lists(st.integers(-12, 12), min_size=d, max_size=d)

    def rows(n: int) -> Tensor:
        return torch.tensor(draw(st.lists(cells, min_size=n, max_size=n)), dtype=torch.float64) / 4

    return rows(c), rows(b), rows(1)[0], draw(st.integers(0, 9))


def deviation(attack: Attack, own: Tensor, benign: Tensor, crafted: Tensor) -> Tensor:
    """The goal of `attack` in each coordinate, by the definition."""
    before = answer(attack.assumes, torch.cat([own, benign]), len(own))
    after = answer(attack.assumes, torch.cat([crafted, benign]), len(own))
    if attack.goal == "deviation":
        return (before - after).abs()
    return torch.where(before > 0, 1.0, -1.0) * (before - after)


def rivals(own: Tensor, benign: Tensor, noise: Tensor) -> list[Tensor]:
    """Other crafted rows: every choice of c values from a grid around each column's benign ones, and noise."""
    width = torch.tensor([-FAR, -0.5, 0.0, 0.5, FAR], dtype=own.dtype)
    grid = torch.cat([benign + step for step in width]).unique(dim=0)
    choices = product(range(len(grid)), repeat=len(own))
    return [grid[list(choice)] for choice in choices] + [own, *noise]


@pytest.mark.parametrize("kind", [FangTrimmedMean, FangMedian])
@pytest.mark.parametrize("goal", ["directed", "deviation"])
@given(games())
@settings(deadline=None, max_examples=40)
def test_no_rows_deviate_more(kind: type, goal: str, game: tuple[Tensor, Tensor, Tensor, int]) -> None:
    own, benign, origin, seed = game
    attack = kind(knowledge="full", goal=goal)
    generator = torch.Generator().manual_seed(seed)
    crafted = attack.answer(View(own, benign, origin, assumed(attack.assumes), generator)).rows
    reached = deviation(attack, own, benign, crafted)
    noise = 5 * torch.randn(20, *own.shape, generator=generator, dtype=own.dtype)
    for rival in rivals(own, benign, noise):
        assert (deviation(attack, own, benign, rival) <= reached + 1e-9).all()


@pytest.mark.parametrize("kind", [FangTrimmedMean, FangMedian])
@given(games(), st.floats(1.5, 1e3))
@settings(deadline=None, max_examples=40)
def test_how_far_beyond_makes_no_difference(kind: type, game: tuple[Tensor, Tensor, Tensor, int], b: float) -> None:
    # "Our attack does not depend on b once b > 1."
    own, benign, origin, seed = game
    answers = []
    for attack in (kind(knowledge="full"), kind(knowledge="full", b=b)):
        crafted = attack.answer(
            View(own, benign, origin, assumed(kind.assumes), torch.Generator().manual_seed(seed))
        ).rows
        answers.append(answer(kind.assumes, torch.cat([crafted, benign]), len(own)))
    assert torch.equal(*answers)


def test_an_equal_number_of_honest_rows_is_not_enough() -> None:
    # b = c = 1: the median is the mean of the two, so a value farther out always deviates more.
    own, benign = torch.tensor([[1.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64)
    attack = FangMedian(knowledge="full")
    crafted = attack.answer(View(own, benign, torch.zeros(1), assumed("median"), torch.Generator().manual_seed(0))).rows
    farther = crafted - 1
    assert (deviation(attack, own, benign, farther) > deviation(attack, own, benign, crafted)).all()
