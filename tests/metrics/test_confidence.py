import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.errors import InvalidConfig
from fedprop.metrics import misclassification_confidence

ROW = st.lists(st.floats(-30, 30, width=32), min_size=3, max_size=3)
EXAMPLES = st.lists(st.tuples(ROW, st.integers(0, 2)), min_size=1, max_size=6)


def run(examples):
    rows, targets = zip(*examples, strict=True)
    return misclassification_confidence(torch.tensor(rows), torch.tensor(targets))


@settings(deadline=None)
@given(EXAMPLES)
def test_it_is_the_mean_softmax_probability_of_the_targets(examples):
    exact = [math.exp(row[target]) / sum(map(math.exp, row)) for row, target in examples]
    assert run(examples) == pytest.approx(sum(exact) / len(exact))


@settings(deadline=None)
@given(EXAMPLES, st.integers(-1000, 1000))
def test_logits_may_be_shifted(examples, shift):
    shifted = [([value + shift for value in row], target) for row, target in examples]
    assert run(shifted) == pytest.approx(run(examples), abs=1e-3)


@settings(deadline=None)
@given(ROW)
def test_over_all_targets_it_adds_up_to_one(row):
    assert sum(run([(row, target)]) for target in range(3)) == pytest.approx(1)


def test_it_reaches_both_ends():
    assert run([([1e5, 0.0, 0.0], 0)]) == 1
    assert run([([1e5, 0.0, 0.0], 1)]) == 0
    assert math.isnan(run([([math.nan, 0.0, 0.0], 0)]))


def test_there_must_be_an_example():
    with pytest.raises(InvalidConfig, match="at least one attacked example"):
        misclassification_confidence(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
