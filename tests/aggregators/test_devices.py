"""A CUDA device gives the CPU's answers."""

from typing import Any

import pytest
import torch

from fedprop.aggregators import (
    AGGREGATORS,
    POSTPROCESSORS,
    STAGES,
    Aggregator,
    Bulyan,
    CenteredClipping,
    Cohort,
    FLTrust,
    GeometricMedian,
    Krum,
    Mean,
    MeanAroundMedian,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    Rooted,
    TrimmedMean,
)
from fedprop.aggregators.rooted import told_by

LISTED = [
    *AGGREGATORS.examples(),
    *(stage >> Mean() for stage in STAGES.examples()),
    *(Mean() >> after for after in POSTPROCESSORS.examples()),
]
RULES = [
    Mean(),
    Mean(weighting="examples"),
    Median(),
    TrimmedMean(f=2),
    MeanAroundMedian(f=2),
    Krum(f=2),
    Krum(f=2, m=3),
    Bulyan(f=2),
    GeometricMedian(),
    CenteredClipping(radius=1.0),
    CenteredClipping(radius=1e4, iterations=3),
    Rooted(rule=FLTrust()),
    NormClipping(max_norm=3.0) >> NearestNeighbourMixing(f=2) >> TrimmedMean(f=2),
]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("far", [1.0, 1e20, 1e300])
def test_cuda_agrees_with_the_cpu(rule: Aggregator, dtype: torch.dtype, far: float) -> None:
    rows = 1e3 + 1e-2 * torch.randn(13, 500, generator=torch.Generator().manual_seed(0), dtype=dtype)
    rows[:2] *= min(far, torch.finfo(dtype).max / 1e4)
    expected, found = rule.aggregate(rows), rule.aggregate(rows.cuda())
    assert found.value.device.type == found.weights.device.type == "cuda"
    assert found.value.dtype == dtype
    assert torch.allclose(found.value.cpu(), expected.value, rtol=1e-6)
    # Of equal values in a column, which float32 has here, either row may have been used.
    assert dtype == torch.float32 or torch.allclose(found.weights.cpu(), expected.weights, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("rule", LISTED, ids=repr)
def test_whatever_is_listed_agrees_with_the_cpu_round_after_round(rule: Aggregator) -> None:
    """With its memory, and all that a server may tell it, on the device."""
    draw = torch.Generator().manual_seed(0)
    states: list[Any] = [rule.init(), rule.init()]
    for number in range(3):
        rows, model = torch.randn(13, 40, generator=draw) + 0.5, torch.randn(40, generator=draw)
        rows[:2] = 5 * rows[0] + 0.01 * rows[:2]
        answers = []
        for place, state in zip(("cpu", "cuda"), states, strict=True):
            told = told_by(model.to(place, torch.float64))
            answers.append(rule.aggregate(Cohort(rows.to(place, torch.float64)).changed(**told), state))
        expected, found = answers
        assert found.value.device.type == found.weights.device.type == "cuda", number
        assert torch.allclose(found.value.cpu(), expected.value, rtol=1e-4, atol=1e-5), number
        assert torch.allclose(found.weights.cpu(), expected.weights, atol=1e-5), number
        states = [answer.state for answer in answers]
