"""Properties that relate the answers to two inputs: reorder, shift, stretch or rotate the rows and see."""

import torch

from fedprop.aggregators.contract import Contract
from fedprop.properties import moves
from fedprop.properties.base import Finding, Property, Rule, answer, counts_examples
from fedprop.properties.case import Case
from fedprop.properties.comparison import difference, same_answer, tolerance
from fedprop.types import Updates, Vector


def _differs(
    contract: Contract, rows: Updates, expected: Vector, found: Vector, *, how: str, want: str, ask: str = "rule(rows)"
) -> Finding | None:
    if same_answer(contract, rows, expected, found):
        return None
    return Finding(found, expected, how, ask=ask, want=want)


def _copies(rows: Updates, examples: tuple[int, ...], contract: Contract) -> Updates:
    """The rows that clients with these claims stand for."""
    return rows.repeat_interleave(torch.tensor(examples), dim=0) if contract.examples == "copies" else rows


def _permutation(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    order = moves.order(len(rows), case.seed).tolist()
    claims = case.examples or (1,) * len(rows)
    moved = tuple(claims[i] for i in order)
    expected, found = answer(rule, rows, claims), answer(rule, rows[order], moved)
    how, ask, want = f"for the rows in the order {order}", f"rule(rows[{order}])", "rule(rows)"
    if counts_examples(rule):
        ask, want = f"answer(rule, rows[{order}], {list(moved)})", f"answer(rule, rows, {list(claims)})"
    return _differs(contract, _copies(rows[order], moved, contract), expected, found, how=how, ask=ask, want=want)


def _translation(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    shift = moves.shift(rows.shape[1], case.seed)
    moved = (rows + shift).to(rows.dtype)
    how, t = f"for the rows shifted by {shift.tolist()}", f"torch.tensor({shift.tolist()})"
    expected, found = answer(rule, rows) + shift, answer(rule, moved)
    return _differs(contract, moved, expected, found, how=how, ask=f"rule(rows + {t})", want=f"rule(rows) + {t}")


def _scaling(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    c = moves.factor(case.seed)
    how, ask, want = f"for the rows times {c}", f"rule({c} * rows)", f"{c} * rule(rows)"
    return _differs(contract, c * rows, c * answer(rule, rows), answer(rule, c * rows), how=how, ask=ask, want=want)


def _orthogonal(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    rotation = moves.rotation(rows.shape[1], case.seed)
    turned = (rows.double() @ rotation).to(rows.dtype)
    q = f"torch.tensor({rotation.tolist()}, dtype={rows.dtype})"
    how, ask, want = "for the rows rotated", f"rule(rows @ {q})", f"rule(rows) @ {q}"
    expected, found = answer(rule, rows) @ rotation, answer(rule, turned)
    return _differs(contract, turned, expected, found, how=how, ask=ask, want=want)


def _idempotent(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide[:1].expand(case.rows.shape).clone()
    found = answer(rule, rows, case.examples)
    if difference(found, rows[0]) <= tolerance(contract, rows):
        return None
    return Finding(found, rows[0], f"for {len(rows)} equal rows", rows, want="rows[0]")


def _separable(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    expected = torch.cat([answer(rule, rows[:, k : k + 1].clone()) for k in range(rows.shape[1])])
    how, want = "from all columns at once rather than one by one", "torch.cat([rule(c) for c in rows.split(1, dim=1)])"
    return _differs(contract, rows, expected, answer(rule, rows), how=how, want=want)


def _monotone(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    copied = case.seed % len(rows)
    row, more = rows[copied], torch.cat([rows, rows[copied : copied + 1]])
    before, after = answer(rule, rows), answer(rule, more)
    farther = float((after - row).norm() - (before - row).norm())
    if farther <= 2 * tolerance(contract, rows) * rows.shape[1] ** 0.5:
        return None
    how = f"with row {copied} once more, {farther:.3g} farther from it than {before.tolist()}"
    return Finding(after, how=how, ask=f"rule(torch.cat([rows, rows[{copied}:{copied + 1}]]))")


def _examples(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not counts_examples(rule) or not case.examples:
        return None
    rows = case.wide
    claims = (case.examples[0],) * len(rows) if contract.examples is None else case.examples
    copies = _copies(rows, claims, contract)
    found = answer(rule, rows, claims)
    ask, want = f"answer(rule, rows, {list(claims)})", "rule(rows)"
    if contract.examples == "copies":
        want = f"rule(rows.repeat_interleave(torch.tensor({list(claims)}), dim=0))"
    return _differs(
        contract, copies, answer(rule, copies), found, how=f"for claims of {list(claims)} examples", ask=ask, want=want
    )


LOCATION = "a location estimator: Rousseeuw and Leroy, Robust Regression and Outlier Detection, 1987"

INVARIANCES = (
    Property(
        "permutation",
        "The answer does not depend on the order of the rows, up to ties.",
        "clients have no order",
        _permutation,
        lambda contract: contract.permutation,
    ),
    Property(
        "translation",
        "Rows shifted by t have the answer shifted by t.",
        LOCATION,
        _translation,
        lambda contract: contract.translation,
    ),
    Property(
        "scaling", "Rows times c > 0 have the answer times c.", LOCATION, _scaling, lambda contract: contract.scaling
    ),
    Property(
        "orthogonal",
        "Rotated rows have the rotated answer.",
        LOCATION,
        _orthogonal,
        lambda contract: contract.orthogonal,
    ),
    Property(
        "idempotent",
        "Rows that are all equal have that row as their answer.",
        "Definition 2 of Allouah et al., AISTATS 2023, with zero variance",
        _idempotent,
        lambda contract: contract.idempotent,
    ),
    Property(
        "separable",
        "Each coordinate of the answer depends on that coordinate of the rows alone.",
        "coordinate-wise rules: Yin et al., ICML 2018",
        _separable,
        lambda contract: contract.separable,
    ),
    Property(
        "monotone",
        "One more copy of a row brings the answer no farther from that row.",
        "minimisers of a sum of distances, and order statistics; see Contract.monotone",
        _monotone,
        lambda contract: contract.monotone,
    ),
    Property(
        "examples",
        "Equal claims of examples change nothing; others count as copies of the rows, or not at all, as the rule says.",
        "McMahan et al., AISTATS 2017, Algorithm 1 (weights n_k / n)",
        _examples,
    ),
)
"""Properties that a contract claims by one field each."""
