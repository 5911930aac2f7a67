"""Every claim there is to try about one rule: its own, those of a rule it should equal, or whatever may hold."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from time import monotonic

import torch

from fedprop.aggregators import Aggregator, Contract
from fedprop.answers import described
from fedprop.errors import InvalidConfig
from fedprop.properties import Case, Finding, Property, agrees_with, contract_of
from fedprop.properties.base import Rule
from fedprop.properties.breakdown import BREAKDOWN
from fedprop.properties.comparison import settled, tied
from fedprop.properties.definition import refuses, source_of
from fedprop.properties.invariances import INVARIANCES
from fedprop.properties.robustness import LIMITS, REGIONS
from fedprop.properties.universal import NOT_FINITE, UNIVERSAL
from fedprop.settings import meant
from fedprop.types import Updates, Vector
from fedprop.verify.hunting.claim import Claim, Crashed, Inapplicable, Refused, TooSlow, contained
from fedprop.verify.hunting.search import breakdown_point, worst_case
from fedprop.verify.pages.findings import Counterexample, Limit, Peak, Status
from fedprop.verify.pages.render import reproduce
from fedprop.verify.rules.asked import Weighing, blame
from fedprop.verify.rules.inputs import DTYPES, Input, Inputs, Reference
from fedprop.verify.targets.dialects import DIALECTS
from fedprop.verify.targets.target import Target

TRIED = (*UNIVERSAL, *INVARIANCES, *LIMITS, BREAKDOWN, *REGIONS)
"""Every property that is tried on every rule, each region as one of its own."""

ITERATIVE = 1e-7
"""A contract with a coarser precision is that of an iterative rule."""

FOREIGN_PRECISION, FOREIGN_SMOOTHING = 1e-3, 1e-5
"""How accurate another implementation of an iterative rule must be, relative to the spread and absolutely."""


class RulePlan:
    """The claims of one rule. `named` are those that the user holds it to beside its own."""

    def __init__(
        self,
        target: Target,
        *,
        fs: Sequence[int],
        n: range | None = None,
        reference: Reference | None = None,
        named: Sequence[str] = (),
    ) -> None:
        self.target, self.reference, self.named = target, reference, named
        self.inputs = Inputs(target, reference, fs, n)

    def claims(self) -> list[Claim[Input]]:
        """Safety first, then what is claimed, then what is merely tried."""
        found = [self._answers(), *self._defined(), *map(self._claim, TRIED)]
        if isinstance(self.example, Aggregator) and self.example.sees_not_finite:
            found.append(self._claim(NOT_FINITE))
        if self.reference is not None and self.inputs.n is None:
            found.append(self._too_few(self.reference))
        unknown = sorted(set(self.named) - {claim.name for claim in found})
        if unknown:
            names = [claim.name for claim in found]
            told = f"{', '.join(unknown)}{meant(unknown[0], names)}"
            raise InvalidConfig(f"`--claim` must be one of {', '.join(names)}; found {told}")
        order: dict[Status, int] = {"safety": 0, "claimed": 1, "tried": 2}
        return sorted(found, key=lambda claim: (order[claim.status], bool(claim.skip)))

    def notes(self) -> tuple[str, ...]:
        """How the rule was asked, where that is not as most are."""
        dialect, dtypes = self.target.hearing.dialect, self.inputs.dtypes
        unusual = dialect is not None and dialect not in DIALECTS[:2]
        notes = (
            (unusual, f"the rule was handed its rows as {dialect.name if dialect else ''}"),
            (len(dtypes) == 1, f"the rule was asked in {', '.join(map(str, dtypes))} alone, as it takes nothing else"),
        )
        return tuple(told for applies, told in notes if applies)

    def limits(self, end: float = math.inf) -> tuple[Limit, ...]:
        """Where the rule breaks down, for each f and the fewest rows; without those where it has no answer in time."""
        found: list[Limit | None] = []
        with suppress(TooSlow):
            for f in self.inputs.fs:
                found.append(breakdown_point(self._in_double(f), self.inputs.rows(f).start, f, end=end))
        return tuple(limit for limit in found if limit is not None)

    def search(self, seed: int, end: float = math.inf) -> tuple[Peak, ...]:
        """The worst cases found, for each f from 1 on and each number of rows, until the clock shows `end`."""
        peaks: list[Peak] = []
        left = sum(len(self.inputs.rows(f)) for f in self.inputs.fs if f > 0)
        with suppress(TooSlow):
            for f in self.inputs.fs:
                rule, contract = self._in_double(f), self._contract(f, self.target.make(f))
                for n in self.inputs.rows(f) if f > 0 else ():
                    proved = contract.kappa is not None and f in contract.tolerates(n)
                    bound = contract.kappa.bound(n, f) if proved and contract.kappa else None
                    share = (end - monotonic()) / (left - len(peaks))
                    peaks.append(worst_case(rule, n, f, bound=bound, seed=seed, end=monotonic() + share))
        return tuple(peaks)

    def _in_double(self, f: int) -> Rule:
        """The rule as one of float64 rows, even if it takes others only."""
        rule, dtypes = self.target.make(f), self.inputs.dtypes or DTYPES
        return rule if torch.float64 in dtypes else lambda rows: rule(rows.to(dtypes[-1])).double()

    @cached_property
    def example(self) -> Rule:
        """The rule as it is for the largest f."""
        return self.target.make(self.inputs.fs[-1])

    @cached_property
    def _promised(self) -> Contract:
        """The contract for the largest f."""
        return self._contract(self.inputs.fs[-1], self.example)

    def _contract(self, f: int, rule: Rule) -> Contract:
        if self.reference is not None:
            reference = self.reference(f)
            return settled(_lenient(reference.contract()), reference)
        if isinstance(rule, Aggregator):
            return contract_of(rule)
        return settled(self.target.declared or Contract(), rule)

    def _defined(self) -> list[Claim[Input]]:
        """The claim that the answer is the one by the definition, where there is one; it is another one for each f."""
        judge, oracle = self.inputs.judge(self.inputs.fs[-1]), self.inputs.definition(self.inputs.fs[-1])
        if judge is None or oracle is None:
            return []
        return [self._claim(agrees_with(oracle, source=source_of(judge)), self._definition)]

    def _claim(self, prop: Property, at: Callable[[int], Property] | None = None) -> Claim[Input]:
        """The claim that a rule has a property, which may be another one, `at(f)`, where the rule is set to f."""
        return Claim(
            name=prop.name,
            statement=prop.statement,
            source=prop.source,
            status=self._status(prop),
            inputs=self.inputs.of(prop.drawn),
            find=partial(self._find, at or (lambda f: prop)),
            show=self._show,
            skip=self._skip(prop),
        )

    def _find(self, at: Callable[[int], Property], value: Input) -> Finding | None:
        prop, rule, case = at(value.f), self.target.make(value.f), self._case(value)
        if not prop.rows_themselves:
            rule = _careful(rule, anything=prop.safety)
        if prop.more_rows and self.inputs.n is not None and len(case.rows) + prop.more_rows not in self.inputs.n:
            raise Inapplicable(f"one row more than {len(case.rows)} is outside the stated n")
        contract = self._contract(value.f, rule)
        contract = contract if prop.claimed(contract) else prop.grant(contract, value.f)
        if len(case.dtypes) == 1 or (prop.own_ties and self.reference is not None):
            contract = _excused(contract, rule, case.wide)
        if not prop.applies(case, contract):
            raise Inapplicable("it says nothing about any input tried")
        # What any answer must be, whatever it is, is asked of fresh answers.
        return _found(prop, rule, case if prop.safety else replace(case, known=value.known), contract)

    def _case(self, value: Input) -> Case:
        """The case with rows of its own, in the dtypes that the rule takes."""
        return replace(value.case, rows=value.case.rows.clone(), dtypes=self.inputs.dtypes or DTYPES)

    def _definition(self, f: int) -> Property:
        oracle = self.inputs.definition(f)
        if oracle is None:
            raise Inapplicable(f"no definition is known for f={f}")
        return agrees_with(oracle)

    def _status(self, prop: Property) -> Status:
        if prop.safety:
            return "safety"
        speaks = self.target.declared is not None or self.inputs.judge(self.inputs.fs[-1]) is not None
        owed = speaks and prop.claimed(self._promised)
        return "claimed" if owed or prop.name in self.named else "tried"

    def _skip(self, prop: Property) -> str:
        """Why a property cannot be tried on this rule here."""
        if not self.inputs.dtypes:
            return "no rows have an answer: see `answers`"
        return prop.untriable(self.example, self._promised, self.inputs.dtypes)

    def _answers(self) -> Claim[Input]:
        statement = "Finite rows have an answer, and no error."
        source = "fedprop.aggregators.Aggregator"
        inputs = self.inputs.attacked
        return Claim("answers", statement, source, "safety", inputs, self._unanswered, self._show, owed=True)

    def _unanswered(self, value: Input) -> Finding | None:
        """What is wrong with the rule in the narrowest dtype that it takes, or in one that it must take as well."""
        rows = self._case(value).narrow
        found = self._failure(value.f, rows)
        lacking = (self._failure(value.f, rows.to(dtype)) for dtype in self.inputs.owed)
        return found or next((failure for failure in lacking if failure is not None), None)

    def _failure(self, f: int, rows: Updates) -> Finding | None:
        rule = self.target.make(f)
        try:
            with contained():
                rule(rows)
        except Exception as error:
            told = error if isinstance(error, Crashed | Refused) else blame(rule, rows, error)
            if isinstance(told, Refused) and not self.inputs.stated(f):
                raise told from error
            return Finding(str(told), how=f"in {rows.dtype}" if rows.dtype in self.inputs.owed else "", rows=rows)
        return None

    def _too_few(self, reference: Reference) -> Claim[Input]:
        def find(value: Input) -> Finding | None:
            return refuses(reference(value.f)).find(self.target.make(value.f), self._case(value), Contract())

        prop, inputs = refuses(reference(self.inputs.fs[-1])), self.inputs.too_few
        skip = "" if inputs else "one row is enough"
        return Claim(prop.name, prop.statement, prop.source, "claimed", inputs, find, self._show, skip)

    def _show(self, value: Input, finding: Finding) -> Counterexample:
        return reproduce(self.target, value.f, self._case(value), finding)


def _found(prop: Property, rule: Rule, case: Case, contract: Contract) -> Finding | None:
    """What a property finds; an error on rows that the property made of the case's own is a finding too.

    Raises
    ------
    Refused, Crashed
        As the rule does; on the case's own rows, that is the business of the claim that there is an answer.
    """
    try:
        with contained():
            return prop.find(rule, case, contract)
    except Crashed as error:
        own = error.rows is None or any(torch.equal(error.rows, rows) for rows in (case.narrow, case.wide))
        if own:
            raise
        return Finding(str(error), rows=error.rows)
    except Refused:
        raise
    except Exception as error:
        raise blame(rule, case.narrow, error) from error


def _careful(rule: Rule, *, anything: bool) -> Rule:
    """The rule, kept from the rows themselves, and its answers looked at unless `anything` will do.

    What it does to the rows, and what its answers are, are each one claim's business.
    """
    if isinstance(rule, Aggregator):
        return rule
    return _CarefulWeighing(rule, anything) if isinstance(rule, Weighing) else _Careful(rule, anything)


class _Careful:
    """As `_careful`."""

    def __init__(self, rule: Rule, anything: bool) -> None:
        self._rule, self._anything = rule, anything

    def __call__(self, rows: Updates) -> Vector:
        return self._looked_at(rows, self._rule(rows.clone()))

    def _looked_at(self, rows: Updates, found: Vector) -> Vector:
        if self._anything or ((found.shape, found.device) == (rows.shape[1:], rows.device) and not found.is_complex()):
            return found
        raise Refused(f"the answer to rows of shape {list(rows.shape)} is {described(found)}")


class _CarefulWeighing(_Careful):
    """As `_careful`, for a rule that is told of examples."""

    def with_examples(self, rows: Updates, examples: Sequence[int]) -> Vector:
        return self._looked_at(rows, self._rule.with_examples(rows.clone(), examples))  # type: ignore[attr-defined]


def _lenient(contract: Contract) -> Contract:
    """What may be asked of another implementation: one that iterates stops where it likes, within reason.

    RFA, for one, smooths distances by an absolute length (Pillutla et al. 2022, Algorithm 2).
    """
    if contract.precision <= ITERATIVE:
        return contract
    return replace(contract, precision=FOREIGN_PRECISION, smoothing=FOREIGN_SMOOTHING)


def _excused(contract: Contract, rule: Rule, before: Updates) -> Contract:
    """The contract, ambiguous also where the answer of `rule` jumps, at the rows judged or as they were before."""
    stated = contract.ambiguous
    return replace(contract, ambiguous=lambda rows: stated(rows) or any(tied(rule, x) for x in (rows, before)))
