"""Rows as good as tied excuse a rule from its claims, others do not, and no unit of length makes a difference."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from fedprop.aggregators import AGGREGATORS, STAGES, Krum, self_contained
from fedprop.aggregators.contract import never, unstated

LISTED = [*AGGREGATORS.examples(), *(stage >> Krum(f=1) for stage in STAGES.examples())]
RULES = [rule for rule in map(self_contained, LISTED) if rule.contract().ambiguous not in (never, unstated)]
UNITS = (0.1, 0.3, 0.7)
"""Multiples of these are no binary fractions: what is equal among whole numbers is equal but for rounding."""


def tied() -> Iterator[Tensor]:
    """Rows of small whole numbers, many of them as far from each other as others are."""
    draw = torch.Generator().manual_seed(0)
    for n in (8, 9, 10):
        yield torch.arange(n, dtype=torch.float64)[:, None]
        for d in (1, 2):
            for _ in range(3):
                yield torch.randint(-3, 4, (n, d), generator=draw).double()


TIED = list(tied())


def test_rows_without_ties_excuse_nobody() -> None:
    """Asked at each number of rows from the fewest on; MDA alone may be tied, where its longest pairs share no row."""
    excused: dict[str, list[bool]] = {}
    for rule in RULES:
        for more in range(8):
            draw = torch.Generator().manual_seed(more)
            rows = torch.randn(rule.min_rows + more, 5, dtype=torch.float64, generator=draw)
            excused.setdefault(repr(rule), []).append(bool(rule.contract().ambiguous(rows)))
    assert {rule: found for rule, found in excused.items() if all(found[4:])} == {}
    assert len(excused) > 20


def test_a_tie_is_one_in_every_unit() -> None:
    told: dict[str, set[bool]] = {}
    for rule in RULES:
        ambiguous = rule.contract().ambiguous
        for rows in TIED if rule.contract().scaling else []:
            said = ambiguous(rows)
            assert [ambiguous(unit * rows) for unit in UNITS] == [said] * len(UNITS), (rule, rows)
            told.setdefault(kind_of(rule), set()).add(said)
    assert [kind for kind, said in told.items() if True not in said] == []


def test_rules_that_take_the_first_of_equal_sets_do_so_in_every_unit() -> None:
    for rule in RULES:
        if rule.kind in ("mda", "smea", "sniper", "multi_metrics") and rule.contract().scaling:
            for rows in TIED:
                weights = rule.aggregate(rows).weights
                assert all(torch.allclose(rule.aggregate(unit * rows).weights, weights) for unit in UNITS), rule


def test_there_is_no_regret_of_the_answer_and_some_of_the_row_farthest_from_it() -> None:
    told = set()
    for rule in map(self_contained, AGGREGATORS.examples()):
        regret = rule.contract().regret
        for more in range(5) if regret else ():
            draw = torch.Generator().manual_seed(more)
            rows = torch.randn(rule.min_rows + more, 3, dtype=torch.float64, generator=draw)
            answer = rule(rows)
            assert regret(rows, answer) <= 10 * rule.contract().precision, rule
            assert more < 3 or regret(rows, rows[(rows - answer).norm(dim=1).argmax()]) > 0.01, rule
            told.add(rule.kind)
    assert len(told) >= 5


def kind_of(rule: Any) -> str:
    """The rule's kind, or that of the first stage before it."""
    return str(rule.stages[0].kind if hasattr(rule, "stages") else getattr(rule, "rule", rule).kind)
