from collections.abc import Sequence

import pytest
import torch

from fedprop.aggregators import Cohort, Krum, Mean, QuadraticSide, Watermark
from fedprop.aggregators.columns import ScaledRows
from fedprop.errors import ServerUnknown, TooFewUpdates
from fedprop.oracles.watermark import MISREADINGS, watermark
from fedprop.types import Updates, Weights

ROWS = torch.tensor([[1.0, 0.0], [0.0, -1.0], [4.0, 4.0], [-2.0, 2.0], [-3.0, 3.0]])
SIDE = QuadraticSide(torch.tensor([1.0, 1.0]))


class Told(QuadraticSide):
    """A server that knows the losses of these rows, whatever they are, and of none."""

    def __init__(self, losses: Sequence[float]) -> None:
        super().__init__(torch.zeros(1))
        object.__setattr__(self, "known", [1.0, *losses])

    def losses(self, candidates: Updates) -> Weights:
        """By the number that is the row."""
        return torch.tensor([self.known[int(row)] for row in candidates[:, 0]], dtype=torch.float64)


def test_by_hand() -> None:
    """The loss is half the squared distance from (1, 1): 1 now; 0.5, 2.5, 9, 5 and 10 behind the rows."""
    cohort = Cohort(ROWS, (5, 6, 7, 8, 9), (1, 2, 3, 4, 5), (0, 0, 0, 2, 0), server=SIDE)
    staged = Watermark().answer(cohort, None)
    assert staged.measured is not None
    assert staged.measured.tolist() == [0.5, -1.5, -8.0, -4.0, -9.0]
    assert (staged.cohort.clients, staged.cohort.examples) == ((5, 6, 8), (1, 2, 4))
    assert staged.cohort.staleness == (0, 0, 2)
    answer = (Watermark() >> Mean()).aggregate(cohort)
    assert answer.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3, 0])
    assert len(Watermark(lambda_=0.0).answer(cohort, None).cohort.clients) == 1


def test_a_reduction_of_just_lambda_is_not_enough() -> None:
    rows = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    cohort = Cohort(rows, server=Told([6.0, 5.999, torch.nan, torch.inf]))
    assert Watermark().answer(cohort, None).cohort.clients == (1,)


def test_where_nobody_is_left_the_model_stays() -> None:
    cohort = Cohort(ROWS[2:], server=SIDE)
    answer = (Watermark(lambda_=0.0) >> Mean()).aggregate(cohort)
    assert (answer.value.tolist(), answer.weights.tolist()) == ([0.0, 0.0], [0.0] * 3)
    with pytest.raises(TooFewUpdates, match=r"n >= 2f \+ 3 for Krum; found n=1, f=0"):
        (Watermark(lambda_=0.0) >> Krum(f=0)).aggregate(cohort)


def test_rows_that_are_worked_out_block_by_block() -> None:
    halves = ScaledRows(torch.full((5,), 0.5), 2 * ROWS)
    assert Watermark().answer(Cohort(halves, server=SIDE), None).cohort.clients == (0, 1, 3)


def test_nobody_without_examples_can_say() -> None:
    with pytest.raises(ServerUnknown, match="`server` must be given"):
        (Watermark() >> Mean())(ROWS)


def test_every_misreading_differs_on_these_rows() -> None:
    def loss(x: Sequence[float]) -> float:
        return sum((v - 1.0) ** 2 for v in x) / 2

    rows = [*ROWS.tolist(), [2.4, 2.4], [-1.3, 3.5]]
    right = watermark(rows, loss)
    assert [name for name, wrong in MISREADINGS.items() if wrong(rows, loss) == right] == []
