"""FLTrust outside a simulation: who is trusted, and what it refuses."""

import pytest
import torch

from fedprop.aggregators import Cohort, FLTrust, Mean, Reference, needs_examples
from fedprop.aggregators.columns import TakenRows, blocks_of
from fedprop.errors import InvalidUpdates


def trusted(rows, reference, dtype=torch.float64):
    server = Reference(torch.tensor(reference, dtype=dtype))
    return FLTrust().aggregate(Cohort(torch.tensor(rows, dtype=dtype), server=server))


def test_rows_count_by_their_cosine_at_the_length_of_the_reference():
    answer = trusted([[8.0, 0.0], [3.0, 4.0], [-1.0, 0.0]], [5.0, 0.0])
    assert answer.value.tolist() == pytest.approx([4.25, 1.5])
    assert answer.weights.tolist() == pytest.approx([1 / 1.6, 0.6 / 1.6, 0.0])


@pytest.mark.parametrize(
    ("rows", "reference"),
    [
        ([[-1.0, 0.0], [0.0, 2.0]], [5.0, 0.0]),
        ([[1.0, 0.0], [0.0, 2.0]], [0.0, 0.0]),
        ([[0.0, 0.0]], [5.0, 0.0]),
    ],
    ids=["nobody points there", "no direction to point in", "no row has a direction"],
)
def test_if_nobody_is_trusted_the_answer_is_zero(rows, reference):
    answer = trusted(rows, reference)
    assert answer.value.tolist() == [0.0, 0.0]
    assert answer.weights.tolist() == [0.0] * len(rows)


def test_tiny_and_huge_rows_count_by_direction_alone():
    answer = trusted([[1e-45, 0.0], [3e38, 3e38]], [2.0, 0.0], torch.float32)
    assert answer.value.tolist() == pytest.approx([2 * (1 + 0.5) / (1 + 2**-0.5), 1 / (1 + 2**-0.5)])
    assert answer.value.dtype == answer.weights.dtype == torch.float32


def test_rows_alone_are_refused():
    with pytest.raises(InvalidUpdates, match=r"`server` must be given with the cohort .* server=Reference\(update\)"):
        FLTrust()(torch.ones(3, 2))


@pytest.mark.parametrize(("reference", "found"), [([1.0], r"\[1\], 1 finite"), ([1.0, torch.nan], r"\[2\], 1 finite")])
def test_a_reference_that_is_no_such_row_is_refused(reference, found):
    with pytest.raises(InvalidUpdates, match=rf"finite with shape \[2\] for FLTrust; found {found}"):
        trusted([[1.0, 2.0]], reference)


def test_a_reference_has_no_examples():
    with pytest.raises(InvalidUpdates, match="an accuracy; found a Reference"):
        Reference(torch.zeros(2)).accuracies(torch.zeros(1, 2))
    with pytest.raises(InvalidUpdates, match="a loss; found a Reference"):
        Reference(torch.zeros(2)).losses(torch.zeros(1, 2))


def test_rows_and_reference_are_read_block_by_block():
    generator = torch.Generator().manual_seed(0)
    rows, reference = torch.randn(5, 30, generator=generator), torch.randn(30, generator=generator)
    whole = FLTrust().aggregate(Cohort(rows, server=Reference(reference)))
    with blocks_of(12):
        read = FLTrust().aggregate(Cohort(TakenRows(rows, torch.arange(5)), server=Reference(reference)))
    assert torch.allclose(read.value, whole.value)


def test_only_it_needs_root_data():
    assert needs_examples(FLTrust().asks)
    assert not needs_examples(Mean().asks | {"model", "round", "generator"})
