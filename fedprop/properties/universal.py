"""Properties of every rule, whatever it claims."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import product

import torch

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.columns import TakenRows, blocks_of
from fedprop.aggregators.contract import Contract, Region
from fedprop.errors import InvalidUpdates, WrongAnswer
from fedprop.failures import in_words
from fedprop.properties.base import Drawn, Finding, Property, Rule, answer_of, no_full_form
from fedprop.properties.case import Case
from fedprop.properties.comparison import difference, same_answer, tolerance
from fedprop.types import Vector

BLOCKS = 8
"""Minimum blocks in which rows are streamed, so that a rule sees several; fewer columns come one by one."""


def _shape(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    for rows in (case.narrow, case.wide):
        asked = f"for {list(rows.shape)}, {rows.dtype}, {rows.device}"
        try:
            out = rule(rows)
        except WrongAnswer as error:
            return Finding(str(error), how=asked, rows=rows)
        if (out.shape, out.dtype, out.device) != (rows.shape[1:], rows.dtype, rows.device):
            ask = "list((out := rule(rows)).shape), out.dtype, out.device"
            return Finding(f"{list(out.shape)}, {out.dtype}, {out.device}", how=asked, rows=rows, ask=ask)
    return None


def _finite(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    out = rule(case.narrow)
    return None if torch.isfinite(out).all() else Finding(out, rows=case.narrow)


def _untouched(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.narrow.clone()
    out = rule(rows)
    if not torch.equal(rows, case.narrow):
        told = f"the rows afterwards are {rows.tolist()}"
        return Finding(told, rows=case.narrow, ask="rule(rows) is None or rows.tolist()")
    if shares_memory(out, rows):
        told = "the answer shares memory with the rows"
        return Finding(told, rows=case.narrow, ask="shares_memory(rule(rows), rows)")
    return None


def shares_memory(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the numbers of two dense tensors lie in the same stretch of memory.

    Writing to one and looking at the other would tell as well, were it allowed: neither tensors made in inference mode
    nor expanded ones can be written to.
    """
    (begin, end), (other, last) = _stretch(a), _stretch(b)
    return a.device == b.device and begin < last and other < end


def _stretch(tensor: torch.Tensor) -> tuple[int, int]:
    """Where the numbers of a tensor begin and end."""
    if tensor.numel() == 0:
        return 0, 0
    steps = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + (steps + 1) * tensor.element_size()


def _repeatable(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    first = rule(case.narrow)
    with suppress(Exception):
        rule(1 - case.narrow)
    second = rule(case.narrow.clone())
    same = first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)
    if same:
        return None
    how, ask = "when asked again, with other rows in between", "(rule(1 - rows), rule(rows))[1]"
    return Finding(second, first, how, case.narrow, ask=ask, want="rule(rows)")


def _two_dtypes(case: Case, contract: Contract) -> bool:
    return len(case.dtypes) > 1


def _one_dtype(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    return f"the rule takes {', '.join(map(str, dtypes))} alone" if len(dtypes) == 1 else ""


def _precision(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    narrow, wide = rule(case.narrow).double(), answer_of(rule, case)
    size = max(_size(rows, contract), float(wide.abs().max()))
    allowed = max(32 * torch.finfo(torch.float32).eps * size, tolerance(contract, rows))
    near = contract.lies_in is not Region.ROW and difference(narrow, wide) <= allowed
    if near or same_answer(contract, rows, narrow, wide):
        return None
    return Finding(narrow, wide, "in float32 rather than float64", case.narrow, want="rule(rows.double())")


def _size(rows: torch.Tensor, contract: Contract) -> float:
    f = max(contract.tolerates(len(rows)), default=0)
    return float(rows.abs().amax(dim=1).sort().values[len(rows) - f - 1])


def _full_form(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not isinstance(rule, Aggregator):
        return None
    rows, ask = case.narrow, "rule.aggregate(rows)"
    out, weights, _ = rule.aggregate(rows)
    if not torch.equal(out, rule(rows)):
        return Finding(out, rule(rows), "from `aggregate`", rows, ask=f"{ask}.value", want="rule(rows)")
    if weights.shape != rows.shape[:1] or not torch.isfinite(weights).all():
        return Finding(f"weights {weights.tolist()} for {len(rows)} rows", rows=rows, ask=f"{ask}.weights")
    return None


def _streaming(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    rows = case.wide
    whole, parts = answer_of(rule, case), streamed(rule, rows)
    if same_answer(contract, rows, whole, parts):
        return None
    return Finding(parts, whole, "column by column rather than at once", ask="streamed(rule, rows)", want="rule(rows)")


def streamed(rule: Rule, rows: torch.Tensor) -> torch.Tensor:
    """The answer to rows [n, d] that a rule sees in a few blocks of columns, as if they were not in memory."""
    with blocks_of(max(1, rows.shape[1] // BLOCKS)):
        if isinstance(rule, Aggregator) and rule.reads_columns:
            return rule(TakenRows(rows, torch.arange(len(rows))))
        return rule(rows)


def _devices(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not torch.cuda.is_available():
        return None
    rows = case.wide
    here, there = rule(rows), rule(rows.cuda())
    if there.is_cuda and same_answer(contract, rows, here, there.cpu()):
        return None
    return Finding(there, here, "on CUDA rather than the CPU", ask="rule(rows.cuda())", want="rule(rows)")


def _no_device(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    return "" if torch.cuda.is_available() else "no CUDA device here"


def _not_finite(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    """NaN and infinity in one number of a row, in both forms of asking and both dtypes: each may be seen elsewhere."""
    n, d = case.rows.shape
    infinity = -torch.inf if case.seed % 2 else torch.inf
    for dtype, bad in product(case.dtypes, (torch.nan, infinity)):
        rows = case.rows.to(dtype, copy=True)
        rows[case.seed % n, case.seed % d] = bad
        found = _let_through(rule, rows, f"to {bad} in row {case.seed % n}, where InvalidUpdates is due")
        if found is not None:
            return found
    return None


def _let_through(rule: Rule, rows: torch.Tensor, how: str) -> Finding | None:
    """What a rule answers to rows that it should refuse, or which other error it raises."""
    for ask, form in (("rule(rows)", rule), ("rule.aggregate(rows).value", _value_of(rule))):
        told: Vector | str
        try:
            told = form(rows)
        except InvalidUpdates:
            continue
        except Exception as error:
            told = in_words(error)
        return Finding(told, how=how, rows=rows, ask=ask)
    return None


def _value_of(rule: Rule) -> Rule:
    """The rule by its full form, if it has one."""
    return (lambda rows: rule.aggregate(rows).value) if isinstance(rule, Aggregator) else rule


def _looks_before(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    looks = isinstance(rule, Aggregator) and rule.sees_not_finite
    return "" if looks else "only a rule with `sees_not_finite` looks for them itself"


UNIVERSAL = (
    Property(
        "shape",
        "The answer to rows [n, d] is one vector [d] with their dtype and device.",
        "fedprop.aggregators.Aggregator",
        _shape,
        safety=True,
    ),
    Property(
        "finite",
        "Finite rows have a finite answer.",
        "fedprop.aggregators.Aggregator",
        _finite,
        safety=True,
        drawn=Drawn.ATTACKED,
    ),
    Property(
        "untouched",
        "The rows are left as they were; the answer is no view of them.",
        "fedprop.aggregators.Aggregator",
        _untouched,
        safety=True,
        rows_themselves=True,
    ),
    Property(
        "repeatable",
        "Equal rows have equal answers, to the bit, whatever was asked before.",
        "fedprop.aggregators.Aggregator",
        _repeatable,
        safety=True,
    ),
    Property(
        "precision",
        "Rows in float32 have the answer that the same rows have in float64, rounded.",
        "Higham, Accuracy and Stability of Numerical Algorithms, 2002, Section 1.7 (cancellation)",
        _precision,
        applies=_two_dtypes,
        own_ties=True,
        untriable=_one_dtype,
    ),
    Property(
        "full form",
        "`aggregate` gives the answer of the call, and one finite weight for each row.",
        "fedprop.aggregators.Aggregator",
        _full_form,
        untriable=no_full_form,
    ),
    Property(
        "streaming",
        "The answer is the same when the columns are seen block by block.",
        "fedprop.aggregators.columns",
        _streaming,
        untriable=no_full_form,
    ),
    Property(
        "devices",
        "A CUDA device gives the answer of the CPU.",
        "fedprop.aggregators.Aggregator",
        _devices,
        untriable=_no_device,
    ),
)
"""Properties that no contract needs to claim."""

NOT_FINITE = Property(
    "not finite",
    "A row with NaN or infinity is refused with InvalidUpdates, as a rule with `sees_not_finite` says that it does.",
    "fedprop.aggregators.Aggregator",
    _not_finite,
    untriable=_looks_before,
)
"""For the rules that look for such rows themselves; for all others `Aggregator` does, before they are asked."""
