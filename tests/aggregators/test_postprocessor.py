from typing import Any

import pytest
import torch

from fedprop.aggregators import (
    Aggregation,
    Cohort,
    GaussianNoise,
    Krum,
    Mean,
    MovingAverage,
    NearestNeighbourMixing,
    NormClipping,
    Pipeline,
    Postprocessor,
    WorkerMomentum,
)
from fedprop.aggregators.columns import MixedRows, take
from fedprop.errors import WrongAnswer

CLIP, AFTER, LATER = NormClipping(max_norm=2.0), MovingAverage(alpha=0.5), MovingAverage(alpha=0.25)
ROWS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])


class Counting(Postprocessor):
    """Adds the number of rounds so far."""

    kind: str = "counting"

    def init(self) -> int:
        return 0

    def apply(self, found: Aggregation, cohort: Cohort, state: int) -> Aggregation:
        return Aggregation(found.value + state, found.weights, state + 1)


class Wrong(Postprocessor):
    kind: str = "wrong"
    wrong: str

    def apply(self, found: Aggregation, cohort: Cohort, state: Any) -> Any:
        return {
            "tensor": found.value,
            "value": Aggregation(found.value[1:], found.weights),
            "weights": Aggregation(found.value, found.weights[1:]),
        }[self.wrong]


def test_chains_are_flat_however_they_are_made() -> None:
    expected = Pipeline(stages=(CLIP,), rule=Mean(), after=(AFTER, LATER))
    assert CLIP >> Mean() >> AFTER >> LATER == CLIP >> (Mean() >> AFTER >> LATER) == expected
    assert (CLIP >> Mean()) >> AFTER == CLIP >> (Mean() >> AFTER)
    assert (Mean() >> GaussianNoise(std=1.0)).asks == {"generator"}
    for nonsense in (lambda: CLIP >> AFTER, lambda: AFTER >> LATER, lambda: AFTER >> Mean()):
        with pytest.raises(TypeError):
            nonsense()


def test_they_run_from_left_to_right_and_see_the_rows_as_sent() -> None:
    found = (NearestNeighbourMixing(f=1) >> Krum(f=0, m=2) >> AFTER >> LATER).aggregate(ROWS)
    assert torch.allclose(found.weights @ ROWS, found.value)
    assert float(found.weights.sum()) == pytest.approx(1 / 8)


def test_states_are_kept_apart() -> None:
    rule = WorkerMomentum(beta=0.5) >> Mean() >> Counting() >> AFTER >> Counting()
    first = rule.aggregate(ROWS)
    second = rule.aggregate(torch.zeros_like(ROWS), first.state)
    assert first.value.tolist() == pytest.approx([0.25, 0.25])
    assert second.value.tolist() == pytest.approx([0.125 + 0.5 + 1] * 2)
    assert second.state[2] == (2, None, 2)
    assert rule.init()[2] == (0, None, 0)
    assert (CLIP >> Mean() >> AFTER).aggregate(ROWS).state is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("tensor", r"with Aggregation\(value, weights\); found a tensor of shape \[2\]"),
        ("value", r"with a value of shape \[2\], .*; found a tensor of shape \[1\]"),
        ("weights", r"with weights of shape \[3\].*; found a tensor of shape \[2\]"),
    ],
)
def test_one_that_answers_wrongly_is_named(wrong: str, told: str) -> None:
    with pytest.raises(WrongAnswer, match=f"the postprocessor Wrong must answer {told}"):
        (Mean() >> Wrong(wrong=wrong) >> AFTER)(ROWS)


def test_one_that_says_nothing_leaves_no_claim() -> None:
    contract = (Mean() >> Counting()).contract()
    assert (contract.permutation, contract.linear, contract.kappa) == (False, False, None)


def test_one_that_does_not_say_that_it_reads_columns_is_handed_a_tensor():
    class Halving(Postprocessor):
        kind: str = "halving"

        def apply(self, found, cohort, state):
            assert isinstance(cohort.updates, torch.Tensor)
            return found._replace(value=found.value / 2)

    rows = torch.arange(12.0).view(4, 3)
    taken = take(MixedRows(torch.eye(4, dtype=torch.float64), rows), torch.arange(4))
    assert torch.allclose((Mean() >> Halving())(taken), rows.mean(dim=0) / 2)
