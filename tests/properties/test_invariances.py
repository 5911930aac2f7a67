"""Each invariance catches a rule that lacks it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fedprop.aggregators import Contract, Krum, Mean
from fedprop.properties import Case, PropertyViolated, moves
from fedprop.properties.invariances import INVARIANCES

ROWS = torch.tensor([[1.0, 2.0], [3.0, 0.0], [5.0, 9.0], [0.0, 4.0]])
CASE = Case(ROWS, (True,) * 4, 0, seed=1, examples=(1, 2, 3, 1))
BY_NAME = {prop.name: prop for prop in INVARIANCES}


class Unnormalised:
    """Weighs by claimed examples and forgets to divide by their sum."""

    def __call__(self, rows: Tensor) -> Tensor:
        return rows.mean(dim=0)

    def with_examples(self, rows: Tensor, examples: tuple[int, ...]) -> Tensor:
        return (torch.tensor(examples, dtype=rows.dtype) @ rows) / len(rows)


@pytest.mark.parametrize(
    ("name", "rule", "seed"),
    [
        ("permutation", lambda rows: rows[0].clone(), 0),
        ("translation", lambda rows: rows.mean(dim=0) / 2, 1),
        ("scaling", lambda rows: rows.mean(dim=0).clamp(max=1e-3), 1),
        ("orthogonal", lambda rows: rows.median(dim=0).values, 12),
        ("idempotent", lambda rows: rows.sum(dim=0), 1),
        ("separable", lambda rows: rows[rows.norm(dim=1).argmin()].clone(), 1),
        ("monotone", lambda rows: -rows.mean(dim=0), 2),
        ("examples", Unnormalised(), 1),
    ],
)
def test_broken_rule_is_caught(name: str, rule: Callable[[Tensor], Tensor], seed: int) -> None:
    with pytest.raises(PropertyViolated, match=r"instead of|farther from it") as caught:
        BY_NAME[name].check(rule, replace(CASE, seed=seed, examples=(3, 1, 2, 1)), Contract())
    assert caught.value.name == name


@pytest.mark.parametrize("prop", INVARIANCES, ids=lambda prop: prop.name)
def test_the_mean_has_and_claims_them_all(prop: object) -> None:
    contract = Mean().contract()
    assert BY_NAME[prop.name].claimed(contract)
    assert BY_NAME[prop.name].claimed(Contract()) == (prop.name == "examples")
    BY_NAME[prop.name].check(Mean(), CASE, contract)


def test_tied_rows_may_be_exchanged_but_not_worse_ones() -> None:
    """Krum on 0, 1, 2, 3: rows 1 and 2 tie, so a rule may take either, but not row 0."""
    case = Case(torch.tensor([[0.0], [1.0], [2.0], [3.0]]), (True,) * 4, 0, seed=3)
    contract = Krum(f=0).contract()
    order = moves.order(4, 3)
    assert not torch.equal(Krum(f=0)(case.rows), Krum(f=0)(case.rows[order])), "choose another seed"
    BY_NAME["permutation"].check(Krum(f=0), case, contract)
    with pytest.raises(PropertyViolated, match="instead of"):
        BY_NAME["permutation"].check(lambda rows: rows[0].clone(), case, contract)
