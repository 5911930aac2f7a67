import pytest
import torch

from fedprop.aggregators import CenteredClipping, Mean, NearestNeighbourMixing
from fedprop.aggregators.columns import TakenRows, blocks_of
from fedprop.errors import InvalidUpdates
from fedprop.verify.hunting.hunt import Effort, hunt
from fedprop.verify.rules.memory import has_memory, memory_claims, restored


def random(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_long_ways_are_cut_and_short_ones_kept() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    before = rows.clone()
    found = CenteredClipping(radius=1.0).aggregate(rows)
    assert found.value.tolist() == pytest.approx([0.3, 0.4])
    assert found.weights.tolist() == pytest.approx([0.2 / 3, 1 / 3, 1 / 3])
    assert torch.equal(rows, before)


@pytest.mark.parametrize("iterations", [1, 3])
def test_the_next_round_goes_on_from_the_aggregate(iterations: int) -> None:
    rule = CenteredClipping(radius=1.0, iterations=iterations)
    assert rule.init() is None
    far, state = torch.full((4, 1), 90.0), None
    for number in (1, 2, 3):
        value, _, state = rule.aggregate(far, state)
        assert value.tolist() == pytest.approx([number * iterations])


def test_weights_of_rows_and_of_the_previous_aggregate_sum_to_one() -> None:
    centre, rows = random(1, 6, seed=1)[0], 3 * random(5, 6)
    value, weights, _ = CenteredClipping(radius=2.0, iterations=2).aggregate(rows, centre)
    assert float(weights.sum()) < 0.9
    assert torch.allclose(weights @ rows + (1 - weights.sum()) * centre, value, atol=1e-6)


@pytest.mark.parametrize("iterations", [1, 2])
def test_a_wide_radius_gives_the_mean(iterations: int) -> None:
    rows = random(7, 5)
    assert torch.allclose(CenteredClipping(radius=1e6, iterations=iterations)(rows), Mean()(rows), atol=1e-6)


def test_several_steps_in_one_round_are_several_rounds_of_one_step() -> None:
    rows, state = random(6, 9).double(), None
    for _ in range(4):
        value, _, state = CenteredClipping(radius=1.0).aggregate(rows, state)
    assert torch.allclose(CenteredClipping(radius=1.0, iterations=4)(rows), value, rtol=1e-13, atol=0)


@pytest.mark.parametrize("iterations", [1, 2])
def test_close_rows_far_from_zero_lose_no_digits(iterations: int) -> None:
    """Seen from zero, squares of 1e16 would hide lengths of 1e-3."""
    centre, ways = torch.full((5,), 1e8, dtype=torch.float64), 2.0**-10 * random(8, 5).double().round(decimals=3)
    rows = centre + ways
    ways = rows - centre
    rule = CenteredClipping(radius=1e-3, iterations=iterations)
    assert torch.allclose(rule.aggregate(rows, centre).weights, rule.aggregate(ways).weights, rtol=1e-12, atol=0)


@pytest.mark.parametrize("iterations", [1, 2])
@pytest.mark.parametrize("far", [1e20, 3e38])
def test_huge_rows_are_cut_without_overflow(iterations: int, far: float) -> None:
    rows = torch.full((2, 4), far)
    assert CenteredClipping(radius=2.0, iterations=iterations)(rows).tolist() == pytest.approx([iterations] * 4)


@pytest.mark.parametrize("iterations", [1, 2])
def test_rows_seen_block_by_block_have_the_same_answer(iterations: int) -> None:
    rows, centre = random(6, 40), random(1, 40, seed=1)[0]
    rule = CenteredClipping(radius=3.0, iterations=iterations)
    whole = rule.aggregate(rows, centre)
    with blocks_of(18):
        streamed = rule.aggregate(TakenRows(rows, torch.arange(6)), centre)
    assert torch.allclose(streamed.value, whole.value)
    assert torch.allclose(streamed.weights, whole.weights)


def test_the_answer_keeps_the_dtype_of_the_rows_and_shares_no_memory_with_the_state() -> None:
    rows = random(3, 4)
    value, weights, state = CenteredClipping(radius=1.0).aggregate(rows, torch.ones(4, dtype=torch.float64))
    assert value.dtype == weights.dtype == state.dtype == torch.float32
    kept = state.clone()
    value += 1
    assert torch.equal(state, kept)


def test_a_state_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidUpdates, match=r"`state` must have shape \[4\] for CenteredClipping; found \[3\]"):
        CenteredClipping(radius=1.0).aggregate(random(3, 4), torch.zeros(3))


@pytest.mark.parametrize("settings", [{}, {"radius": 0.0}, {"radius": 1.0, "iterations": 0}])
def test_radius_and_iterations_must_be_positive(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="radius" if "iterations" not in settings else "iterations"):
        CenteredClipping(**settings)


def test_stages_before_it_leave_it_its_memory() -> None:
    rule = NearestNeighbourMixing(f=1) >> CenteredClipping(radius=1.0)
    rows = random(5, 3)
    first = rule.aggregate(rows)
    second = rule.aggregate(rows, restored(first.state))
    mixed = NearestNeighbourMixing(f=1)(rows)
    assert torch.allclose(second.value, CenteredClipping(radius=1.0).aggregate(mixed, first.value).value, atol=1e-6)


@pytest.mark.parametrize("iterations", [1, 2])
def test_memory_keeps_its_claims(iterations: int) -> None:
    rule = CenteredClipping(radius=2.0, iterations=iterations)
    assert has_memory(rule)
    found = {claim.name: hunt(claim, Effort(25, 0)) for claim in memory_claims(rule, "fedprop:CenteredClipping", {})}
    assert not [name for name, outcome in found.items() if outcome.fails]
    assert [name for name, outcome in found.items() if outcome.verdict == "skipped"] == ["weights over rounds"]
