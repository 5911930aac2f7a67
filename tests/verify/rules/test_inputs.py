"""How many rows a rule is tried on, and what claims that are tried on one input share: answers, and definitions."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Cohort, Contract
from fedprop.aggregators.contract import Region, exactly
from fedprop.errors import InvalidConfig
from fedprop.properties import Case
from fedprop.properties.base import answer_of
from fedprop.verify import verify
from fedprop.verify.command import claims_of
from fedprop.verify.hunting.hunt import Effort, hunt_all
from fedprop.verify.rules.inputs import remembering

ROWS = torch.tensor([[1.0], [2.0], [6.0]])


def test_an_answer_is_asked_for_once_where_the_case_is_for_one_rule() -> None:
    asked: list[torch.Tensor] = []

    def rule(rows: torch.Tensor) -> torch.Tensor:
        asked.append(rows)
        return rows.mean(dim=0)

    case = Case(ROWS, (True,) * 3, 0)
    assert [answer_of(rule, case).tolist() for _ in range(2)] == [[3.0]] * 2
    assert len(asked) == 2
    kept = Case(ROWS, (True,) * 3, 0, known={})
    assert [answer_of(rule, kept).tolist() for _ in range(2)] == [[3.0]] * 2
    assert [rows.dtype for rows in asked] == [torch.float64] * 3


def test_a_definition_is_worked_out_again_for_other_rows_only() -> None:
    asked: list[list[list[float]]] = []

    def largest(rows: list[list[float]]) -> list[float]:
        asked.append([list(row) for row in rows])
        return max(rows)

    definition, rows = remembering(largest), [[1.0], [2.0]]
    assert [definition(rows), definition([[1.0], [2.0]])] == [[2.0]] * 2
    rows[0][0] = 7.0
    assert definition(rows) == [7.0]
    assert definition([[1.0], [2.0]]) == [2.0]
    assert asked == [[[1.0], [2.0]], [[7.0], [2.0]], [[1.0], [2.0]]]


def test_claims_that_share_answers_find_what_they_find_alone() -> None:
    def tilted(rows: torch.Tensor) -> torch.Tensor:
        """The mean, but for rows that are far away."""
        return rows.mean(dim=0) * (1 + (rows.abs().max() > 500) / 8)

    claims = [claim for claim in claims_of(tilted, as_="mean") if claim.status == "claimed" and not claim.skip]
    together = hunt_all(claims, Effort(20, 0, shrink=False))
    alone = [hunt_all([claim], Effort(20, 0, shrink=False))[0] for claim in claims]
    assert [(found.name, found.verdict) for found in together] == [(found.name, found.verdict) for found in alone]
    assert {found.name for found in together if found.verdict == "broken"} >= {"definition", "translation"}


class Half(Aggregator):
    """The middle of what is left of each coordinate without f values at either end; of 2f rows, the middle of all."""

    kind: str = "half"
    f: int

    @property
    def min_rows(self) -> int:
        return 2 * self.f or 1

    def contract(self) -> Contract:
        return Contract(lies_in=Region.HONEST_BOX, tolerates=exactly(self.f, self.min_rows))

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        assert isinstance(cohort.updates, torch.Tensor)
        ordered = cohort.updates.sort(dim=0).values
        n = len(ordered)
        kept = ordered[self.f : n - self.f] if n > 2 * self.f else ordered
        return Aggregation(kept.mean(dim=0), torch.full((n,), 1 / n, dtype=ordered.dtype), state)


class Modest(Half):
    """The same rule, which claims nothing of so few rows."""

    kind: str = "modest"

    def contract(self) -> Contract:
        return replace(super().contract(), tolerates=exactly(self.f, 2 * self.f + 1))


def failed(rule: type[Aggregator], **options: Any) -> set[str]:
    report = verify(rule, **{"examples": 10, "curious": False, "shrink": False, **options})
    return {outcome.name for outcome in report.outcomes if outcome.fails}


@pytest.mark.parametrize("f", [1, 2])
def test_a_rule_that_claims_to_withstand_half_of_its_rows_is_tried_on_so_few(f: int) -> None:
    assert "honest box" in failed(Half, f=f)
    assert "honest box" in failed(Half, f=f, n=range(2 * f, 2 * f + 1))
    assert not failed(Half, f=f, n=range(2 * f + 1, 2 * f + 3))
    assert not failed(Modest, f=f)


def test_the_refusal_of_a_number_of_rows_tells_the_rules_own_need_from_a_majority() -> None:
    told = r"what .*Modest needs \(4 for f=2, and 5 for more of them to be honest than not\); found 4..4"
    with pytest.raises(InvalidConfig, match=told):
        failed(Modest, f=2, n=range(4, 5))
    with pytest.raises(InvalidConfig, match=r"what .*Half needs \(4 for f=2\); found 3..3"):
        failed(Half, f=2, n=range(3, 4))
