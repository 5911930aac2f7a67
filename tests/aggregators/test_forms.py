"""Rules and stages in loops of people's own: rows come as arrays, lists and live parameters, answers in kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fedprop.aggregators import (
    AGGREGATORS,
    POSTPROCESSORS,
    STAGES,
    Aggregator,
    CenteredClipping,
    Cohort,
    FLTrust,
    Krum,
    Mean,
    Median,
    NearestNeighbourMixing,
    NormClipping,
    Reference,
    SafetensorsRows,
    Stage,
    self_contained,
)
from fedprop.errors import InvalidUpdates

RULES = [self_contained(rule) for rule in AGGREGATORS.examples()]
STAGED = [stage for stage in STAGES.examples() if not stage.asks]
CHAINS = [
    *(self_contained(stage >> Median()) for stage in STAGES.examples() if stage.asks),
    *(self_contained(Median() >> after) for after in POSTPROCESSORS.examples()),
    STAGED[0] >> Median(),
]
ROWS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
FORMS: dict[str, Any] = {
    "parameters that live": lambda rows: nn.Parameter(rows) - nn.Parameter(torch.zeros(3, dtype=rows.dtype)),
    "arrays": lambda rows: rows.numpy(),
    "lists of arrays": lambda rows: [row.numpy() for row in rows],
    "lists of tensors": list,
    "lists of parameters": lambda rows: [nn.Parameter(row) for row in rows],
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_the_answer_is_in_kind(dtype: torch.dtype) -> None:
    rows, unlike = ROWS.to(dtype), []
    for part in (*RULES, *STAGED, *CHAINS, STAGED[0] >> STAGED[1]):
        expected = part(rows)
        for name, form in FORMS.items():
            found = part(form(rows))
            in_kind = isinstance(found, np.ndarray if "arrays" in name else torch.Tensor)
            answer = torch.as_tensor(found)
            same = torch.equal(answer, expected) and answer.dtype == expected.dtype == dtype
            if not (in_kind and same and not answer.requires_grad):
                unlike.append((part, name))
    assert unlike == []


def test_the_full_form_too() -> None:
    unlike = []
    for rule in (*RULES, *CHAINS):
        expected = rule.aggregate(ROWS)
        for found in (rule.aggregate(ROWS.numpy()), rule.aggregate(Cohort(ROWS.numpy()))):
            in_kind = isinstance(found.value, np.ndarray) and isinstance(found.weights, np.ndarray)
            same = np.array_equal(found.value, expected.value) and np.array_equal(found.weights, expected.weights)
            if not (in_kind and same):
                unlike.append(rule)
        half = rule.aggregate(ROWS.bfloat16())
        if not half.value.dtype == half.weights.dtype == torch.bfloat16:
            unlike.append(rule)
    assert unlike == []


def test_half_precision_is_computed_in_float32() -> None:
    rows = torch.tensor([[60000.0], [60000.0], [59000.0], [60000.0], [1.0]], dtype=torch.float16)
    assert Mean()(rows).item() == pytest.approx(47800, rel=1e-3)
    assert Krum(f=1)(rows).item() == 60000.0


def test_a_cohort_may_be_arrays_all_over() -> None:
    cohort = Cohort(ROWS.numpy(), clients=np.arange(12), examples=torch.arange(1, 13), staleness=[0] * 12)
    assert cohort.clients == tuple(range(12))
    assert (cohort.examples, cohort.staleness) == (tuple(range(1, 13)), (0,) * 12)
    weighted = Mean(weighting="examples").aggregate(cohort)
    assert np.allclose(weighted.value, np.average(ROWS.numpy(), axis=0, weights=np.arange(1, 13)))


def test_a_cohort_refuses_what_is_no_matrix_and_counts_below_zero() -> None:
    with pytest.raises(InvalidUpdates, match=r"`updates` must have shape \[n, d\] in a Cohort; found \[\]"):
        Cohort(torch.tensor(1.0))
    with pytest.raises(InvalidUpdates, match="`examples` must hold numbers from 0 on; found -1"):
        Cohort(torch.zeros(2, 1), examples=(-1, 3))


def test_references_and_states_are_taken_as_rows_are() -> None:
    reference, centre = np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.5])
    trusted = FLTrust().aggregate(Cohort(ROWS.numpy(), server=Reference(reference)))
    assert isinstance(trusted.value, np.ndarray)
    live = Reference(nn.Parameter(torch.from_numpy(reference)))
    assert np.array_equal(trusted.value, FLTrust().aggregate(Cohort(ROWS, server=live)).value)
    rule = CenteredClipping(radius=1.0)
    expected = rule.aggregate(ROWS, torch.from_numpy(centre))
    first = rule.aggregate(ROWS.numpy(), centre)
    assert np.array_equal(first.value, expected.value)
    assert np.array_equal(rule.aggregate(ROWS.numpy(), first.state).value, rule.aggregate(ROWS, expected.state).value)


@pytest.mark.parametrize("part", [Krum(f=1), NormClipping(max_norm=1.0), NearestNeighbourMixing(f=1) >> Median()])
def test_what_cannot_be_taken_is_refused_in_the_name_of_who_was_asked(part: Aggregator | Stage) -> None:
    with pytest.raises(InvalidUpdates, match=f"`updates` must be floats .* for {type(part).__name__}; found int64"):
        part(np.ones((7, 2), dtype=np.int64))
    with pytest.raises(InvalidUpdates, match=r"shape \[n, d\] with d >= 1 for \w+; found \[7\]"):
        part(np.ones(7))


def test_columns_stay_columns(tmp_path: Path) -> None:
    save_file({"rows": ROWS}, tmp_path / "rows.safetensors")
    stored = SafetensorsRows([tmp_path / "rows.safetensors"], name="rows")
    assert Cohort(stored).updates is stored
    assert torch.equal(Krum(f=1)(stored), Krum(f=1)(ROWS))
