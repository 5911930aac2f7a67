import pytest
import torch

from fedprop.aggregators import Aggregation, Cohort, Reference, SpectralDetection, self_contained
from fedprop.errors import InvalidUpdates, ServerUnknown
from fedprop.oracles.spectral_detection import spectral_detection

REHEARSED = torch.tensor([[1.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
ROWS = torch.tensor([[5.0, 0.0], [2.0, 1.0], [0.0, -3.0], [2.0, 0.5]], dtype=torch.float64)


def answer(rule: SpectralDetection, rows: torch.Tensor, rehearsed: torch.Tensor, state: object = None) -> Aggregation:
    return rule.aggregate(Cohort(rows, server=Reference(rehearsed[0], rehearsed=rehearsed)), state)


def test_errors_up_to_their_mean_by_hand() -> None:
    """Seen from (2, 0) all that is lost is the second coordinate: 0, 1, 3 and 0.5, whose mean is 1.125."""
    found = answer(SpectralDetection(rehearsals=2), ROWS, REHEARSED)
    assert found.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3])
    assert found.value.tolist() == pytest.approx([3, 0.5])
    # One row far off hides the third.
    rows = torch.cat([ROWS, torch.tensor([[0.0, 90.0]], dtype=torch.float64)])
    assert answer(SpectralDetection(rehearsals=2), rows, REHEARSED).weights.tolist() == pytest.approx([0.25] * 4 + [0])


def test_weights_by_a_power_by_hand() -> None:
    """1, 1/3 and 2 of 10/3; and a row without an error is all that counts."""
    rule = SpectralDetection(rehearsals=2, power=1.0)
    assert answer(rule, ROWS[1:], REHEARSED).weights.tolist() == pytest.approx([0.3, 0.1, 0.6])
    assert answer(rule, ROWS, REHEARSED).weights.tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_as_defined_where_rehearsals_vary_in_many_directions(dtype: torch.dtype) -> None:
    """A server whose loss is quadratic, which stands in for others, rehearses along one line alone."""
    generator = torch.Generator().manual_seed(0)
    for codes, power in ((1, None), (2, 3.0), (4, None), (9, 0.5)):
        rehearsed = 100 + torch.randn(6, 8, generator=generator, dtype=dtype) * torch.arange(1, 9)
        rows = 101 + 5 * torch.randn(7, 8, generator=generator, dtype=dtype)
        rule = SpectralDetection(rehearsals=6, codes=codes, power=power)
        known = rehearsed.tolist()
        expected = spectral_detection(rows.tolist(), lambda count, known=known: known[:count], 6, codes, power)  # type: ignore[misc]
        exact = 1e-6 if dtype == torch.float32 else 1e-10
        found = answer(rule, rows, rehearsed).value
        torch.testing.assert_close(found, torch.tensor(expected, dtype=dtype), rtol=exact, atol=0)


def test_rows_in_single_precision_are_told_from_the_axes_in_double() -> None:
    """Of rows far along the axis nothing is lost, but a digit of single precision in the axis would make it much."""
    away = torch.tensor([[1.0, 2.0, 3.0]]) * 2.0**20
    rehearsed, rows = torch.cat([away, 3 * away]), torch.cat([away * 5, away * 7, away + torch.tensor([0.0, 1.0, 0.0])])
    assert answer(SpectralDetection(rehearsals=2, power=1.0), rows, rehearsed).weights.tolist() == [0.5, 0.5, 0]
    # So would a digit of the server that stands in for others, whose rehearsals lie on the line of the first row.
    rows = torch.tensor([[1e20, 3e20], [1e20, 3e20], [0.0, 0.0], [0.0, 1.0]])
    found = self_contained(SpectralDetection()).aggregate(rows).weights
    assert found.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])  # type: ignore[union-attr]


def test_an_autoencoder_serves_as_often_as_it_is_set_to() -> None:
    rule, turned = SpectralDetection(rehearsals=2, every=2), REHEARSED.flip(1)
    first = answer(rule, ROWS, REHEARSED)
    second = answer(rule, ROWS, turned, first.state)
    third = answer(rule, ROWS, turned, second.state)
    assert second.weights.tolist() == first.weights.tolist()
    # Seen from (0, 2) along the second axis the first coordinate is lost: 5, 2, 0 and 2, whose mean is 2.25.
    assert third.weights.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])


def test_rehearsals_must_be_enough_and_fit() -> None:
    with pytest.raises(ServerUnknown, match=r"`rehearsed` must hold 10 updates in a Reference .*; found 2"):
        answer(SpectralDetection(), ROWS, REHEARSED)
    with pytest.raises(InvalidUpdates, match=r"finite with shape \[2, 2\] for SpectralDetection; found \[2, 1\]"):
        answer(SpectralDetection(rehearsals=2), ROWS, REHEARSED[:, :1])
    with pytest.raises(InvalidUpdates, match=r"shape \[2, 2\] for SpectralDetection; found NaN or infinity"):
        answer(SpectralDetection(rehearsals=2), ROWS, REHEARSED / 0)
