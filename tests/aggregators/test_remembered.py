"""What a rule or stage remembers is its own: whoever gave it the tensors may use their memory again."""

from copy import deepcopy
from typing import Any

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, STAGES, Cohort, Median
from fedprop.aggregators.rooted import told_by
from tests.trees import same

RULES = [*AGGREGATORS.examples(), *(stage >> Median() for stage in STAGES.examples())]
REMEMBERING = [rule for rule in RULES if rule.remembers or rule.init() is not None]


@pytest.mark.parametrize("rule", REMEMBERING, ids=repr)
def test_memory_stays_as_it_was_when_rows_and_model_are_overwritten(rule: Any) -> None:
    state, draw = rule.init(), torch.Generator().manual_seed(0)
    for _ in range(3):
        rows = torch.randn(9, 4, dtype=torch.float64, generator=draw)
        model = torch.randn(4, dtype=torch.float64, generator=draw)
        answer = rule.aggregate(Cohort(rows).changed(**told_by(model)), state)
        given, kept = deepcopy(state), deepcopy(answer.state)
        for tensor in (rows, model, answer.value):
            tensor.fill_(77.0)
        assert same(answer.state, kept)
        assert same(state, given)
        state = kept
