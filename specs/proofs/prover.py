"""Ask Z3 whether a claim follows from premises; only a finished proof counts as one.

Z3 (de Moura and Bjørner, TACAS 2008) looks for numbers that meet the premises and not the claim. If it shows that there
are none, the claim is proved for all real numbers, of which there are infinitely many. If it finds some, they are a
counterexample. If it gives up, nothing is known, and the verdict says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, TypeVar

import torch
import z3
from torch import Tensor

PATIENCE = 60.0
"""Seconds that one question to Z3 may take."""


@dataclass(frozen=True)
class Goal:
    """A claim, and the premises it is to follow from."""

    claim: z3.BoolRef
    assuming: Sequence[z3.BoolRef] = ()


@dataclass(frozen=True)
class Proved:
    """The claim holds for all real numbers that meet the premises."""

    def __str__(self) -> str:
        return "proved"


@dataclass(frozen=True)
class Refuted:
    """The model meets the premises and not the claim."""

    model: z3.ModelRef

    def __str__(self) -> str:
        return "refuted"


@dataclass(frozen=True)
class Unproved:
    """Nothing is known about the claim; the reason says why."""

    reason: str

    def __str__(self) -> str:
        return f"UNPROVED ({self.reason})"


Verdict: TypeAlias = Proved | Refuted | Unproved
V = TypeVar("V", Proved, Refuted, Unproved)


def prove(goal: Goal, *, patience: float = PATIENCE) -> Verdict:
    """Whether the claim of `goal` follows from its premises.

    Everything follows from premises that contradict one another, so these prove nothing: the verdict is Unproved unless
    Z3 also finds numbers that meet the premises.
    """
    answer, solver = _check([*goal.assuming, z3.Not(goal.claim)], patience)
    if answer == z3.sat:
        return Refuted(solver.model())
    if answer == z3.unknown:
        return Unproved(solver.reason_unknown())
    answer, solver = _check(goal.assuming, patience)
    if answer == z3.sat:
        return Proved()
    return Unproved("the premises contradict one another" if answer == z3.unsat else solver.reason_unknown())


def prove_all(goals: Iterable[Goal], *, patience: float = PATIENCE) -> Verdict:
    """Proved if every goal is, refuted if one is; otherwise Unproved."""
    worst: Verdict = Proved()
    for goal in goals:
        verdict = prove(goal, patience=patience)
        if isinstance(verdict, Refuted):
            return verdict
        if isinstance(verdict, Unproved):
            worst = verdict
    return worst


def require(kind: type[V], verdict: Verdict, what: str) -> V:
    """The verdict, if it is of this kind.

    Raises
    ------
    AssertionError
        If it is not; the message names the verdict found and what was asked.
    """
    assert isinstance(verdict, kind), f"{verdict}: {what}"
    return verdict


def _check(formulas: Iterable[z3.BoolRef], patience: float) -> tuple[z3.CheckSatResult, z3.Solver]:
    # A fresh solver for each question: a second question to the same one switches Z3 to a weaker, incremental method.
    solver = z3.Solver()
    solver.set("timeout", max(1, round(1000 * patience)))  # in milliseconds; 0 would mean no limit
    solver.add(*formulas)
    return solver.check(), solver


def number(model: z3.ModelRef, term: z3.ArithRef) -> Fraction:
    """The value of a term in a model: exact if it is rational, else to thirty decimal places."""
    value = model.eval(term, model_completion=True)
    exact = value.approx(30) if z3.is_algebraic_value(value) else value
    return Fraction(exact.as_fraction())


def column(model: z3.ModelRef, values: Iterable[z3.ArithRef]) -> Tensor:
    """Values on the line as rows [n, 1] in float64, the way a rule takes them."""
    return torch.tensor([[float(number(model, value))] for value in values], dtype=torch.float64)
