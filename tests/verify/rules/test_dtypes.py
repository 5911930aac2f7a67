"""An `Aggregator` promises an answer in both dtypes."""

from typing import Any

import pytest
import torch
from torch import Tensor

from fedprop.aggregators import Aggregation, Aggregator, Cohort, Contract
from fedprop.verify import verify


class Even(Aggregator):
    """The mean, by weights of whichever dtype the rows have."""

    kind: str = "even"

    def contract(self) -> Contract:
        return Contract(permutation=True, translation=True)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows = cohort.updates
        assert isinstance(rows, Tensor)
        weights = self.weights(rows)
        return Aggregation(self.answered(weights @ rows), weights, state)

    def weights(self, rows: Tensor) -> Tensor:
        return torch.full((len(rows),), 1 / len(rows), dtype=rows.dtype)

    def answered(self, mean: Tensor) -> Tensor:
        return mean


class WideWeights(Even):
    """Multiplies by weights in float64, which rows in float32 cannot be."""

    kind: str = "wide_weights"

    def weights(self, rows: Tensor) -> Tensor:
        return torch.full((len(rows),), 1 / len(rows), dtype=torch.float64)


class NarrowAnswer(Even):
    kind: str = "narrow_answer"

    def answered(self, mean: Tensor) -> Tensor:
        return mean.float()


class WideAnswer(Even):
    kind: str = "wide_answer"

    def answered(self, mean: Tensor) -> Tensor:
        return mean.double()


@pytest.mark.parametrize(
    ("rule", "dtype", "told"),
    [
        (WideWeights, torch.float32, "RuntimeError"),
        (NarrowAnswer, torch.float64, "the rule NarrowAnswer must answer with a value"),
        (WideAnswer, torch.float32, "the rule WideAnswer must answer with a value"),
    ],
)
def test_a_class_that_lacks_one_dtype_has_no_answer(rule: type[Aggregator], dtype: torch.dtype, told: str) -> None:
    report = verify(rule, examples=5, f=1, curious=False)
    failed = {outcome.name: outcome for outcome in report.outcomes if outcome.fails}
    assert failed.keys() == {"answers"}
    shown = failed["answers"].counterexample
    assert shown is not None
    assert told in shown.found
    assert shown.found.endswith(f"in {dtype}")


def test_a_class_that_takes_both_is_not_held_up() -> None:
    assert not verify(Even, examples=5, f=1, curious=False).fails
