"""Properties of every rule, whatever it claims."""

import torch

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.columns import TakenRows, blocks_of
from fedprop.aggregators.contract import Contract, Region
from fedprop.errors import WrongAnswer
from fedprop.properties.base import Finding, Property, Rule
from fedprop.properties.case import Case
from fedprop.properties.comparison import difference, same_answer, tolerance


def _shape(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    for rows in (case.rows, case.rows.double()):
        asked = f"for {list(rows.shape)}, {rows.dtype}, {rows.device}"
        try:
            out = rule(rows)
        except WrongAnswer as error:
            return Finding(str(error), how=asked)
        if (out.shape, out.dtype, out.device) != (rows.shape[1:], rows.dtype, rows.device):
            return Finding(f"{list(out.shape)}, {out.dtype}, {out.device}", how=asked)
    return None


def _finite(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    out = rule(case.rows)
    return None if torch.isfinite(out).all() else Finding(out)


def _untouched(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.rows.clone()
    out = rule(rows)
    if not torch.equal(rows, case.rows):
        return Finding(f"the rows afterwards are {rows.tolist()}", ask="rule(rows), rows")
    out += 1
    return None if torch.equal(rows, case.rows) else Finding("the answer shares memory with the rows")


def _repeatable(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    first, second = rule(case.rows), rule(case.rows.clone())
    same = first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)
    return None if same else Finding(second, first, "when asked again")


def _precision(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.rows.double()
    narrow, wide = rule(case.rows).double(), rule(rows).double()
    size = max(_size(rows, contract), float(wide.abs().max()))
    allowed = max(32 * torch.finfo(torch.float32).eps * size, tolerance(contract, rows))
    near = contract.lies_in is not Region.ROW and difference(narrow, wide) <= allowed
    if near or same_answer(contract, rows, narrow, wide):
        return None
    return Finding(narrow, wide, "in float32 rather than float64", case.rows, want="rule(rows.double())")


def _size(rows: torch.Tensor, contract: Contract) -> float:
    f = max(contract.tolerates(len(rows)), default=0)
    return float(rows.abs().amax(dim=1).sort().values[len(rows) - f - 1])


def _full_form(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not isinstance(rule, Aggregator):
        return None
    try:
        out, weights, _ = rule.aggregate(case.rows)
    except WrongAnswer as error:
        return Finding(str(error), ask="rule.aggregate(rows)")
    if not torch.equal(out, rule(case.rows)):
        return Finding(out, rule(case.rows), "from `aggregate`", ask="rule.aggregate(rows).value", want="rule(rows)")
    if not torch.isfinite(weights).all():
        return Finding(f"weights {weights.tolist()} for {len(case.rows)} rows")
    return None


def _streaming(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.rows.double()
    whole = rule(rows)
    with blocks_of(1):
        if isinstance(rule, Aggregator) and rule.reads_columns:
            streamed = rule(TakenRows(rows, torch.arange(len(rows))))
        else:
            streamed = rule(rows)
    if same_answer(contract, rows, whole, streamed):
        return None
    return Finding(streamed, whole, "column by column rather than at once")


def _devices(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not torch.cuda.is_available():
        return None
    rows = case.rows.double()
    here, there = rule(rows), rule(rows.cuda())
    if there.is_cuda and same_answer(contract, rows, here, there.cpu()):
        return None
    return Finding(there, here, "on CUDA rather than the CPU")


UNIVERSAL = (
    Property(
        "shape",
        "The answer to rows [n, d] is one vector [d] with their dtype and device.",
        "fedprop.aggregators.Aggregator",
        _shape,
    ),
    Property("finite", "Finite rows have a finite answer.", "fedprop.aggregators.Aggregator", _finite),
    Property(
        "untouched",
        "The rows are left as they were; the answer is no view of them.",
        "fedprop.aggregators.Aggregator",
        _untouched,
    ),
    Property("repeatable", "Equal rows have equal answers, to the bit.", "fedprop.aggregators.Aggregator", _repeatable),
    Property(
        "precision",
        "Rows in float32 have the answer that the same rows have in float64, rounded.",
        "Higham, Accuracy and Stability of Numerical Algorithms, 2002, Section 1.7 (cancellation)",
        _precision,
    ),
    Property(
        "full form",
        "`aggregate` gives the answer of the call, and one finite weight for each row.",
        "fedprop.aggregators.Aggregator",
        _full_form,
    ),
    Property(
        "streaming",
        "The answer is the same when the columns are seen block by block.",
        "fedprop.aggregators.columns",
        _streaming,
    ),
    Property("devices", "A CUDA device gives the answer of the CPU.", "fedprop.aggregators.Aggregator", _devices),
)
"""Properties that no contract needs to claim."""
