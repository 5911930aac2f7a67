"""A rule takes as few rows as its sentence says, and does not excuse itself from its claims where nothing is tied."""

import re
from typing import Any

import torch

from fedprop.aggregators import AGGREGATORS, STAGES, self_contained
from fedprop.aggregators.contract import never, unstated

LISTED = [*AGGREGATORS.examples(), *STAGES.examples()]
SENTENCE = re.compile(r"n (>=|>) (?:(\d+)|(\d*)(f|k|b)(?: \+ (\d+))?|theta = (\d+))(?: = \d+)?$")


def said(part: Any) -> int | None:
    """The fewest rows by the sentence, read with the part's own parameters; None for a sentence in other words."""
    read = SENTENCE.match(part.requirement())
    if read is None:
        return None
    sign, number, times, name, more, theta = read.groups()
    value = int(number or theta) if name is None else int(times or 1) * getattr(part, name) + int(more or 0)
    return max(1, value + (sign == ">"))


def test_the_fewest_rows_are_those_of_the_sentence():
    found = [(part, part.min_rows, said(part)) for part in LISTED]
    assert [(part, least, told) for part, least, told in found if told not in (None, least)] == []
    told = {part.kind for part, _, read in found if read is not None}
    assert {"krum", "bulyan", "trimmed_mean", "zeno", "density_filter", "monna", "mean"} <= told


def test_rows_without_ties_excuse_no_rule_from_its_claims():
    """Asked at each number of rows from the fewest on; MDA alone may be tied, where its longest pairs share no row."""
    excused = {}
    for rule in AGGREGATORS.examples():
        ambiguous = self_contained(rule).contract().ambiguous
        if ambiguous in (never, unstated):
            continue
        for more in range(8):
            draw = torch.Generator().manual_seed(more)
            rows = torch.randn(rule.min_rows + more, 5, dtype=torch.float64, generator=draw)
            excused.setdefault(repr(rule), []).append(bool(ambiguous(rows)))
    assert {rule: found for rule, found in excused.items() if all(found[4:])} == {}
    assert len(excused) > 10


def test_equal_rows_excuse_the_rules_that_choose_among_rows():
    """Of four equal pairs it does not matter to any score which of two goes."""
    rows = torch.tensor([[0.0], [0.0], [1.0], [1.0], [2.0], [2.0], [3.0], [3.0]], dtype=torch.float64)
    for kind in ("residual_reweighting", "mda", "smea", "cge", "faba"):
        rule = next(rule for rule in AGGREGATORS.kinds[kind].examples() if getattr(rule, "f", 1) == 1)
        assert rule.contract().ambiguous(rows), kind
