import pytest
import torch

from fedprop.aggregators import Cohort, Mean, ModelClipping
from fedprop.errors import ServerUnknown

MODEL = torch.tensor([3.0, 0.0], dtype=torch.float64)
ROWS = torch.tensor([[0.0, 8.0], [0.0, 0.0]], dtype=torch.float64)


def test_by_hand() -> None:
    """The next model is (3, 4), of length 5; at length 1 it is (0.6, 0.8), which is (-2.4, 0.8) from (3, 0)."""
    found = (Mean() >> ModelClipping(max_norm=1.0)).aggregate(Cohort(ROWS, model=MODEL))
    assert found.value.tolist() == pytest.approx([-2.4, 0.8])
    assert found.weights.tolist() == pytest.approx([0.1, 0.1])


def test_a_short_model_is_left_alone_to_the_bit() -> None:
    found = (Mean() >> ModelClipping(max_norm=5.0)).aggregate(Cohort(ROWS, model=MODEL))
    assert found.value.tolist() == [0.0, 4.0]
    assert found.weights.tolist() == [0.5, 0.5]


def test_the_bound_grows_up_to_its_cap() -> None:
    rule = ModelClipping(max_norm=2.0, growth=0.1, cap=2.25)
    assert [rule.bound(t) for t in range(4)] == pytest.approx([2.1, 2.2, 2.25, 2.25])
    found = (Mean() >> rule).aggregate(Cohort(ROWS, model=MODEL, round=1)).value + MODEL
    assert float(found.norm()) == pytest.approx(2.2)


@pytest.mark.parametrize("far", [1e200, 1e307])
def test_a_giant_is_cut_to_the_bound_and_not_to_zero(far: float) -> None:
    rows = torch.tensor([[0.0, far]], dtype=torch.float64)
    found = (Mean() >> ModelClipping(max_norm=2.0)).aggregate(Cohort(rows, model=MODEL))
    assert (found.value + MODEL).tolist() == pytest.approx([0.0, 2.0])


def test_it_asks_for_the_model() -> None:
    assert ModelClipping(max_norm=1.0).asks == {"model"}
    assert ModelClipping(max_norm=1.0, growth=0.1).asks == {"model", "round"}
    with pytest.raises(ServerUnknown, match="`model` must be given"):
        (Mean() >> ModelClipping(max_norm=1.0))(ROWS)
