import pytest
import torch

from fedprop.aggregators import RFA, columns, views
from fedprop.aggregators.columns import MixedRows
from fedprop.aggregators.views import GramRows, centred_gram, seen_in_proportion, squared_distances
from fedprop.errors import InvalidUpdates


def exact(rows: torch.Tensor) -> torch.Tensor:
    return (rows.double()[:, None] - rows.double()[None]).square().sum(dim=2)


def rows_at(offset: float, spread: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    noise = torch.randn(7, 40, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return (offset + spread * noise).to(dtype)


@pytest.mark.parametrize(("offset", "spread"), [(0.0, 1.0), (1e3, 1e-3), (1e6, 10.0), (0.0, 1e-20), (0.0, 1e15)])
@pytest.mark.parametrize("first", [None, -5.0, 1e20])
def test_distances_are_right_wherever_the_rows_and_an_outlier_lie(offset: float, spread: float, first: float) -> None:
    rows = rows_at(offset, spread)
    if first is not None:
        rows[0] = first
    found = squared_distances(centred_gram(rows))
    assert torch.allclose(found, exact(rows), rtol=1e-9, atol=0)


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_at(1e3, 1e-3)
    monkeypatch.setattr(columns, "BLOCK_ELEMENTS", 50)
    assert torch.allclose(squared_distances(centred_gram(rows)), exact(rows), rtol=1e-9, atol=0)


def test_integer_rows_have_exact_distances() -> None:
    rows = torch.randint(-9, 9, (8, 5), generator=torch.Generator().manual_seed(1)).float()
    assert torch.equal(squared_distances(centred_gram(rows)), exact(rows))


def test_equal_rows_have_distance_zero() -> None:
    distances = squared_distances(centred_gram(rows_at(1.0, 1.0)[:1].expand(3, 40)))
    assert torch.equal(distances, torch.zeros(3, 3, dtype=torch.float64))


def test_a_giant_is_seen_far_away_and_does_not_blur_the_others() -> None:
    rows = torch.tensor([[1e200], [0.0], [1.0], [3.0]], dtype=torch.float64)
    found = squared_distances(centred_gram(rows)).sqrt()
    assert torch.equal(found[1:, 1:] / found[1, 2], torch.tensor([[0.0, 1, 3], [1, 0, 2], [3, 2, 0]]).double())
    assert 1e100 < found[0, 1:].min() < torch.inf


def centres_tried(rows: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    tried: list[int | None] = []
    whole = views.inner_products

    def watched(rows: torch.Tensor, centre: int | None = None) -> torch.Tensor:
        tried.append(centre)
        return whole(rows, centre)

    monkeypatch.setattr(views, "inner_products", watched)
    centred_gram(rows)
    return tried


def test_equal_rows_of_a_minority_cost_no_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_at(0.0, 1.0)
    rows[:2] = rows[2]
    assert centres_tried(rows, monkeypatch) == [None]


def test_close_rows_far_from_the_origin_get_a_centre_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_at(1e3, 1e-3)
    rows[0] = 0.0
    first, second = centres_tried(rows, monkeypatch)
    assert first is None
    assert second in range(1, 7)


def test_known_inner_products_are_taken_as_they_are() -> None:
    rows, mixing = rows_at(0.0, 1.0), torch.eye(7, dtype=torch.float64)
    known = torch.full((7, 7), 3.0, dtype=torch.float64)
    assert centred_gram(GramRows(mixing, rows, known)) is known
    assert torch.allclose(centred_gram(MixedRows(mixing, rows)), centred_gram(rows))


def test_who_must_see_proportions_refuses_what_has_none() -> None:
    rows = rows_at(0.0, 1.0, torch.float64)
    assert seen_in_proportion(rows, RFA()).unit == 0
    rows[2, 1] = torch.nan
    with pytest.raises(InvalidUpdates, match="finite"):
        seen_in_proportion(rows, RFA())
