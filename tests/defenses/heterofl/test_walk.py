import pytest
import torch

from fedprop.aggregators import Bucketing, Cohort, NormFilter, QuadraticSide, Watermark
from fedprop.defenses.heterofl import walk
from fedprop.defenses.heterofl.walk import named

ROWS = torch.tensor([[1.0, 0.0], [0.0, 1.1], [9.0, 0.0], [-2.0, -2.0], [1.0, 1.0]])
SIDE = QuadraticSide(torch.tensor([1.0, 1.0]))


def test_each_row_goes_by_one_step() -> None:
    """Lengths 1, 1.1, 9, 2.8, 1.4: the third is over three times the median. The fourth raises the loss by 8."""
    found = walk((NormFilter(), Watermark()), Cohort(ROWS, (4, 3, 2, 1, 0), server=SIDE))
    assert found.verdicts == {4: "kept", 3: "kept", 2: "norm_filter", 1: "watermark", 0: "kept"}
    assert list(found.measured) == ["norm_filter", "watermark"]
    assert found.measured["norm_filter"] == {}
    assert found.measured["watermark"] == pytest.approx({4: 0.5, 3: 0.495, 1: -8.0, 0: 1.0})
    assert found.cohort.clients == (4, 3, 0)
    assert torch.equal(found.mixing, torch.eye(5, dtype=torch.float64)[[0, 1, 4]])


def test_no_steps() -> None:
    found = walk((), Cohort(ROWS))
    assert (found.verdicts, found.measured, len(found.mixing)) == (dict.fromkeys(range(5), "kept"), {}, 5)


def test_of_several_rows_of_a_client_the_dropped_one_is_told() -> None:
    found = walk((Watermark(),), Cohort(ROWS, (7, 7, 8, 8, 9), server=SIDE))
    assert found.verdicts == {7: "kept", 8: "watermark", 9: "kept"}


def test_rows_may_be_mixed() -> None:
    """Of two buckets of two rows the one with the fourth row is far off; whoever is in it goes."""
    cohort = Cohort(ROWS[:4], server=SIDE).changed(told={"generator": torch.Generator().manual_seed(0)})
    found = walk((Bucketing(s=2), Watermark(lambda_=-1.0)), cohort)
    gone = {client for client, verdict in found.verdicts.items() if verdict == "watermark"}
    assert len(gone) == 2
    assert found.mixing.shape == (1, 4)


def test_names_differ() -> None:
    steps = (Watermark(), NormFilter(), Watermark(lambda_=0.0))
    assert named(steps) == ["watermark", "norm_filter", "watermark 2"]
