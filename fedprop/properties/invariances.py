"""Properties that relate the answers to two inputs: reorder, shift, stretch or rotate the rows and see."""

from collections.abc import Sequence

import torch

from fedprop.aggregators.contract import Contract
from fedprop.properties import moves
from fedprop.properties.base import Finding, Property, Rule, answer, answer_of, counts_examples, in_short
from fedprop.properties.case import Case
from fedprop.properties.comparison import difference, same_answer, tolerance
from fedprop.types import Updates, Vector


def _differs(
    contract: Contract,
    rows: Updates,
    expected: Vector,
    found: Vector,
    *,
    how: str,
    want: str,
    ask: str = "rule(rows)",
    before: Updates | None = None,
) -> Finding | None:
    """What differs between two answers to rows [n, d], which were others `before`; ties in either excuse it."""
    if same_answer(contract, rows, expected, found) or (before is not None and contract.ambiguous(before)):
        return None
    return Finding(found, expected, how, ask=ask, want=want)


def _copies(rows: Updates, examples: tuple[int, ...], contract: Contract) -> Updates:
    """The rows that clients with these claims stand for."""
    return rows.repeat_interleave(torch.tensor(examples), dim=0) if contract.examples == "copies" else rows


WRITTEN = 12
"""Transformations of up to so many rows or columns are written out in code; larger ones are called by their seed."""


def _permutation(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows, n = case.wide, len(case.rows)
    first = range(contract.fixed)
    order = [*first, *(moves.order(n - len(first), case.seed) + len(first)).tolist()]
    claims = case.examples or (1,) * n
    moved = tuple(claims[i] for i in order)
    expected, found = answer_of(rule, case, claims), answer(rule, rows[order], moved)
    written = str(order) if n <= WRITTEN else _order_written(n, len(first), case.seed)
    how, ask, want = f"for the rows in the order {in_short(order)}", f"rule(rows[{written}])", "rule(rows)"
    if counts_examples(rule):
        ask, want = f"answer(rule, rows[{written}], {list(moved)})", f"answer(rule, rows, {list(claims)})"
    before, after = _copies(rows, claims, contract), _copies(rows[order], moved, contract)
    return _differs(contract, after, expected, found, how=how, ask=ask, want=want, before=before)


def _order_written(n: int, fixed: int, seed: int) -> str:
    """The order of n rows, of which the first ones stay, in code."""
    if not fixed:
        return f"order({n}, {seed})"
    return f"torch.cat([torch.arange({fixed}), order({n - fixed}, {seed}) + {fixed}])"


def _translation(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows, d = case.wide, case.rows.shape[1]
    shift = moves.shift(d, case.seed)
    moved = (rows + shift).to(rows.dtype)
    t = f"torch.tensor({shift.tolist()})" if d <= WRITTEN else f"shift({d}, {case.seed}).to(rows.dtype)"
    expected, found = (answer_of(rule, case) + shift).to(rows.dtype), answer(rule, moved)
    how, ask, want = f"for the rows shifted by {in_short(shift)}", f"rule(rows + {t})", f"rule(rows) + {t}"
    return _differs(contract, moved, expected, found, how=how, ask=ask, want=want)


def _scaling(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    c = moves.factor(case.seed)
    how, ask, want = f"for the rows times {c}", f"rule({c} * rows)", f"{c} * rule(rows)"
    return _differs(contract, c * rows, c * answer_of(rule, case), answer(rule, c * rows), how=how, ask=ask, want=want)


def _orthogonal(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows, d = case.wide, case.rows.shape[1]
    rotation = moves.rotation(d, case.seed)
    turned = (rows.double() @ rotation).to(rows.dtype)
    q = f"rotation({d}, {case.seed}).to(rows.dtype)"
    if d <= WRITTEN:
        q = f"torch.tensor({rotation.tolist()}, dtype={rows.dtype})"
    how, ask, want = "for the rows rotated", f"rule(rows @ {q})", f"rule(rows) @ {q}"
    expected, found = answer_of(rule, case) @ rotation, answer(rule, turned)
    return _differs(contract, turned, expected, found, how=how, ask=ask, want=want, before=rows)


def _idempotent(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide[:1].expand(case.rows.shape).clone()
    found = answer(rule, rows, case.examples)
    if difference(found, rows[0]) <= tolerance(contract, rows):
        return None
    return Finding(found, rows[0], f"for {len(rows)} equal rows", rows, want="rows[0]")


def _separable(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows, d = case.wide, case.rows.shape[1]
    chosen = (
        list(range(d)) if d <= WRITTEN else sorted({0, d - 1, *moves.order(d, case.seed + moves.PLAIN)[:4].tolist()})
    )
    expected = torch.cat([answer(rule, rows[:, [k]]) for k in chosen])
    found = answer_of(rule, case)[chosen]
    how, one_by_one = (
        "from all columns at once rather than one by one",
        f"torch.cat([rule(rows[:, [k]]) for k in {chosen}])",
    )
    ask = "rule(rows)" if d <= WRITTEN else f"rule(rows)[{chosen}]"
    return _differs(contract, rows[:, chosen], expected, found, how=how, ask=ask, want=one_by_one)


def _monotone(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    copied = case.seed % len(rows)
    row, more = rows[copied], torch.cat([rows, rows[copied : copied + 1]])
    before, after = answer_of(rule, case), answer(rule, more)
    farther = float((after - row).norm() - (before - row).norm())
    if farther <= 2 * tolerance(contract, rows) * rows.shape[1] ** 0.5:
        return None
    how = f"with row {copied} once more, {farther:.3g} farther from it than {in_short(before)}"
    return Finding(after, how=how, ask=f"rule(torch.cat([rows, rows[{copied}:{copied + 1}]]))")


def _examples(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not counts_examples(rule) or not case.examples:
        return None
    return _few_examples(rule, case, contract) or _many_examples(rule, case, contract)


def _few_examples(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    """Claims of a few examples each, next to as many copies of the rows."""
    rows = case.wide
    claims = (case.examples[0],) * len(rows) if contract.examples is None else case.examples
    copies = _copies(rows, claims, contract)
    ask, want = f"answer(rule, rows, {list(claims)})", "rule(rows)"
    if contract.examples == "copies":
        want = f"rule(rows.repeat_interleave(torch.tensor({list(claims)}), dim=0))"
    how, found = f"for claims of {in_short(claims)} examples", answer_of(rule, case, claims)
    expected = answer(rule, copies) if contract.examples == "copies" else answer_of(rule, case)
    return _differs(contract, copies, expected, found, how=how, ask=ask, want=want)


def _many_examples(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    """Claims of up to millions: too many for copies of the rows, but what they must do to each other is known."""
    many = moves.large_counts(len(case.rows), case.seed)
    most = max(2, *many)
    if contract.examples == "copies":
        scaled = _scaled_claims(rule, case, contract, most)
        # A minimiser is judged by its score, which knows of copies alone.
        return _halved_claims(rule, case, contract, many) if scaled is None and contract.regret is None else scaled
    rows, claims = case.wide, many if contract.examples == "ignored" else (most,) * len(case.rows)
    ask, how = f"answer(rule, rows, {list(claims)})", f"for claims of {in_short(claims)} examples"
    usual, found = answer_of(rule, case), answer(rule, rows, claims)
    return _differs(contract, rows, usual, found, how=how, ask=ask, want="rule(rows)")


def _scaled_claims(rule: Rule, case: Case, contract: Contract, factor: int) -> Finding | None:
    """`factor` times as many copies of every row have the same answer."""
    rows, claims = case.wide, case.examples
    more = tuple(factor * claim for claim in claims)
    expected, found = answer_of(rule, case, claims), answer(rule, rows, more)
    ask, want = f"answer(rule, rows, {list(more)})", f"answer(rule, rows, {list(claims)})"
    copies, how = _copies(rows, claims, contract), f"for claims of {in_short(more)} examples"
    return _differs(contract, copies, expected, found, how=how, ask=ask, want=want)


def _halved_claims(rule: Rule, case: Case, contract: Contract, many: tuple[int, ...]) -> Finding | None:
    """A client with many examples counts as two with half of them each."""
    if not any(many):
        return None
    rows = case.wide
    halves = tuple(half for claim in many for half in (claim // 2, claim - claim // 2))
    expected, found = answer(rule, rows.repeat_interleave(2, dim=0), halves), answer(rule, rows, many)
    want = f"answer(rule, rows.repeat_interleave(2, dim=0), {list(halves)})"
    ask, how = f"answer(rule, rows, {list(many)})", f"for claims of {in_short(many)} examples"
    return _differs(contract, rows, expected, found, how=how, ask=ask, want=want)


def _tells_no_examples(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    return "" if counts_examples(rule) else "the rule is not told of examples"


LOCATION = "a location estimator: Rousseeuw and Leroy, Robust Regression and Outlier Detection, 1987"

INVARIANCES = (
    Property(
        "permutation",
        "The answer does not depend on the order of the rows, up to ties.",
        "clients have no order",
        _permutation,
        lambda contract: contract.permutation,
        own_ties=True,
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
        own_ties=True,
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
        more_rows=1,
    ),
    Property(
        "examples",
        "Equal claims of examples change nothing; others count as copies of the rows, or not at all, as the rule says.",
        "McMahan et al., AISTATS 2017, Algorithm 1 (weights n_k / n)",
        _examples,
        untriable=_tells_no_examples,
    ),
)
"""Properties that a contract claims by one field each."""
