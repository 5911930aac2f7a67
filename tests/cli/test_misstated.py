"""A rule that says of itself what cannot be is refused with one sentence, by `verify` and by `run`."""

from pathlib import Path

import pytest

RULE = """
import torch
from fedprop.aggregators import Aggregation, Aggregator, Contract

class Rule(Aggregator):
    kind: str = "rule"
    f: int = 0

    def combine(self, cohort, state):
        n = len(cohort.updates)
        weights = torch.full((n,), 1 / n, dtype=cohort.updates.dtype)
        return Aggregation(weights @ cohort.updates, weights)

"""
MISTAKES = {
    "    def contract(self): return Contract(permuation=True)": "`contract()` of Rule must return a Contract; found",
    "    def contract(self): return {}": "`contract()` of Rule must return a Contract; found {}",
    "    def contract(self): return Contract(precision=1 / self.f)": "ZeroDivisionError: division by zero (rule.py",
    "    def min_rows(self): return 3": "`min_rows` of Rule must be a number of rows, 0 or more; found a method",
    "    @property\n    def asks(self): return 'losses'": "`asks` of Rule must be a set of names among accuracies",
    "    @property\n    def asks(self): return {'loss'}": "found 'loss'; did you mean losses?",
}


@pytest.mark.parametrize(("mistake", "told"), MISTAKES.items(), ids=map(str, range(len(MISTAKES))))
def test_a_mistake_is_a_sentence_and_exit_code_2(fedprop, mistake, told):
    Path("rule.py").write_text(RULE + mistake)
    for command in (
        ["verify", "rule.py:Rule", "--json"],
        ["run", "run.yaml", "--set", "defense={kind: 'rule.py:Rule'}"],
    ):
        code, out, err = fedprop(*command)
        assert (code, out) == (2, "")
        assert told in err
        assert "Traceback" not in err
        assert "found None" not in err
