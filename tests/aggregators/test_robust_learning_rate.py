from typing import Any

import pytest
import torch

from fedprop.aggregators import Aggregation, Cohort, Mean, Median, RobustLearningRate
from fedprop.errors import TooFewUpdates

ROWS = torch.tensor([[1.0, 4.0, 0.0, 2.0], [2.0, -1.0, 0.0, 2.0], [3.0, 3.0, 9.0, -1.0]])


def test_by_hand() -> None:
    """Votes 3, 1, 1 and 1 of three rows whose means are 2, 2, 3 and 1."""
    answer = RobustLearningRate(theta=2).aggregate(ROWS)
    assert answer.value.tolist() == pytest.approx([2.0, -2.0, -3.0, -1.0])
    assert answer.weights.tolist() == pytest.approx([-1 / 6] * 3)
    assert RobustLearningRate(theta=1)(ROWS).tolist() == pytest.approx([2.0, 2.0, 3.0, 1.0])
    assert RobustLearningRate(theta=3, rule=Median())(ROWS).tolist() == [2.0, -3.0, 0.0, -2.0]


def test_claims_weigh_the_mean_and_not_the_votes() -> None:
    answer = RobustLearningRate(theta=2).aggregate(Cohort(ROWS, examples=(0, 0, 5)))
    assert answer.value.tolist() == [3.0, -3.0, -9.0, 1.0]


def test_fewer_rows_than_votes_are_refused() -> None:
    with pytest.raises(TooFewUpdates, match="must satisfy n >= theta = 4 for RobustLearningRate; found n=3"):
        RobustLearningRate(theta=4)(ROWS)
    assert RobustLearningRate.model_validate({"theta": 2, "rule": {"kind": "median"}}).rule == Median()


def test_the_answer_of_the_rule_inside_stays_as_it_is() -> None:
    class Held(Mean):
        """Answers with memory that it keeps."""

        def combine(self, cohort: Cohort, state: Any) -> Aggregation:
            answer = super().combine(cohort, state)
            return answer._replace(state=answer.value)

    rows = torch.tensor([[1.0, 1.0], [1.0, -2.0], [1.0, 3.0]])
    answer = RobustLearningRate(theta=3, rule=Held()).aggregate(rows)
    assert answer.value[1] == -answer.state[1]
