"""What a property is: a sentence about a rule, its source, and a way to refute it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract
from fedprop.properties.case import Case
from fedprop.types import Updates, Vector

Rule: TypeAlias = Callable[[Updates], Vector]
"""Anything that maps rows [n, d] to one vector [d]; an `Aggregator` is one."""


LEGIBLE = 40
"""Answers of up to so many numbers are told whole."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What refutes a claim.

    Attributes
    ----------
    actual : what the rule answered; any shape.
    expected : what it should have answered, where that is one answer.
    how : on what, or by which measure.
    rows : the rows that the rule was asked about, if they are not those of the case.
    ask, want : Python for `actual` and `expected`, given `rule` and `rows`.
    """

    actual: Tensor | str
    expected: Tensor | None = None
    how: str = ""
    rows: Updates | None = None
    ask: str = "rule(rows)"
    want: str = ""

    def __str__(self) -> str:
        wanted = "" if self.expected is None else f" instead of {in_short(self.expected)}"
        return f"{in_short(self.actual)}{wanted}{self._where()} {self.how}".strip()

    def _where(self) -> str:
        """Where two answers differ most that are too long to be read."""
        found, due = self.actual, self.expected
        if due is None or isinstance(found, str) or found.shape != due.shape or found.numel() <= LEGIBLE:
            return ""
        apart = (found.double() - due.double()).abs().nan_to_num(torch.inf)
        place = int(apart.masked_fill(found == due, 0.0).argmax())
        index = [int(i) for i in torch.unravel_index(torch.tensor(place), found.shape)]
        return f", at {index} {found.flatten()[place].item()} instead of {due.flatten()[place].item()}"


def in_short(told: Tensor | Sequence[float] | str) -> str:
    """Numbers in brackets, of many only the first and how many there are; a text as it is."""
    if isinstance(told, str):
        return told
    tensor = told if isinstance(told, Tensor) else torch.tensor(told)
    if tensor.numel() <= LEGIBLE:
        return str(tensor.tolist())
    return f"[{', '.join(str(x) for x in tensor.flatten()[:3].tolist())}, ...] of shape {list(tensor.shape)}"


Find: TypeAlias = Callable[[Rule, Case, Contract], Finding | None]
"""Looks for a violation: what was found, or None."""


class PropertyViolated(AssertionError):
    """A rule broke a property; the message names both and shows the input."""

    def __init__(self, name: str, statement: str, finding: Finding, case: Case) -> None:
        super().__init__(f"{name}: {statement}\n  found: {finding}\n  input: {case!r}")
        self.name = name
        self.finding = finding
        self.case = case


def universal(contract: Contract) -> bool:
    """For a property that every rule must have, claimed or not."""
    return True


def everywhere(case: Case, contract: Contract) -> bool:
    """For a property that says something about every case."""
    return True


def granted(contract: Contract, f: int) -> Contract:
    """For a property that can be tried whatever the contract claims."""
    return contract


def triable(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    """For a property that can be tried on every rule."""
    return ""


class Drawn(StrEnum):
    """What rows a property is tried on."""

    PLAIN = "any rows"
    ATTACKED = "any rows, and some that real attacks have left"
    TELLING = "any rows, and some on which misreadings of the definition go wrong"


@dataclass(frozen=True)
class Property:
    """One claim about rules.

    Attributes
    ----------
    name : how reports call it.
    statement : the claim in one sentence.
    source : where it comes from.
    claimed : whether a rule with this contract must have it.
    find : the search for a violation on one case.
    applies : whether it says anything about a case at all; where it does not, nothing can be found.
    safety : whether it speaks of any answer at all, even one that is no vector, and so is owed by everybody.
    rows_themselves : whether the rule must be handed the rows of the case, and no copy of them.
    drawn : what rows it is best tried on.
    more_rows : how many rows more than the case has the rule is asked about.
    own_ties : whether a rule held to another one's contract may break ties of its own scores, where those of the other
        are clear.
    untriable : why it cannot be tried on a rule with this contract that answers in these dtypes; empty if it can.
    grant : a contract with just enough claimed for it to be tried on f Byzantine rows.
    """

    name: str
    statement: str
    source: str
    find: Find
    claimed: Callable[[Contract], bool] = universal
    applies: Callable[[Case, Contract], bool] = everywhere
    safety: bool = False
    rows_themselves: bool = False
    drawn: Drawn = Drawn.PLAIN
    more_rows: int = 0
    own_ties: bool = False
    untriable: Callable[[Rule, Contract, Sequence[torch.dtype]], str] = triable
    grant: Callable[[Contract, int], Contract] = granted

    def check(self, rule: Rule, case: Case, contract: Contract) -> None:
        """Raise `PropertyViolated` if `rule` breaks the property on `case`."""
        finding = self.find(rule, case, contract) if self.applies(case, contract) else None
        if finding is not None:
            raise PropertyViolated(self.name, self.statement, finding, case)


def no_full_form(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    """Why the full form of a rule cannot be tried: only an `Aggregator` has one."""
    return "" if isinstance(rule, Aggregator) else "only an Aggregator has a full form"


def counts_examples(rule: Rule) -> bool:
    """Whether the numbers of examples that clients claim can be told to `rule`."""
    return isinstance(rule, Aggregator) or hasattr(rule, "with_examples")


def answer_of(rule: Rule, case: Case, examples: tuple[int, ...] = ()) -> Vector:
    """The `answer` of a rule to the wide rows of a case; asked once for all who want it, if the case is for one rule.

    That a rule has the same answer every time is a claim of its own, which asks anew.
    """
    if case.known is None:
        return answer(rule, case.wide, examples)
    if examples not in case.known:
        # A copy, since a rule may write its next answer to the same place.
        case.known[examples] = answer(rule, case.wide, examples).clone()
    return case.known[examples]


def answer(rule: Rule, rows: Updates, examples: Sequence[int] = ()) -> Vector:
    """The answer of `rule`, in float64, to rows [n, d] whose senders claim these numbers of examples.

    No numbers at all mean equal ones. A rule that does not know of examples is asked without them; one that is no
    `Aggregator` may know through a method `with_examples(rows, examples)`.
    """
    if not examples or not counts_examples(rule):
        return rule(rows).double()
    if isinstance(rule, Aggregator):
        return rule.aggregate(Cohort(rows, examples=tuple(examples))).value.double()
    found: Vector = rule.with_examples(rows, tuple(examples)).double()  # type: ignore[attr-defined]
    return found
