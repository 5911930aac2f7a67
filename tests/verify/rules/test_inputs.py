"""What is shared among the claims that are tried on one input: answers of the rule, and of its definition."""

import torch

from fedprop.properties import Case
from fedprop.properties.base import answer_of
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
