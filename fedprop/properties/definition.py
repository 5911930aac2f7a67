"""The properties that tie a fast rule to its definition."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch

from fedprop.aggregators.base import Aggregator, RowConsumer
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.rooted import Rooted, self_contained
from fedprop.oracles import ORACLES
from fedprop.oracles.misreadings import MISREADINGS
from fedprop.oracles.server_side import server_knowing
from fedprop.properties.base import Finding, Property, Rule
from fedprop.properties.case import Case
from fedprop.properties.comparison import same_answer
from fedprop.types import Vector

Rows: TypeAlias = list[list[float]]
Definition: TypeAlias = Callable[[Rows], list[float]]


def oracle_for(rule: Aggregator) -> Definition | None:
    """The definition of `rule`, set to its parameters; for a pipeline, of all its parts. None if a part has none.

    Nor has a rule that asks what a server knows one of rows alone, unless it is `Rooted`.
    """
    if isinstance(rule, Rooted):
        definition = _definition(rule.rule)
        return None if definition is None else _of_rows_alone(definition, ORACLES[_last(rule.rule).kind])
    return _definition(rule) if self_contained(rule) is rule else None


def _last(rule: Aggregator) -> Aggregator:
    return rule.rule if isinstance(rule, Pipeline) else rule


def _of_rows_alone(definition: Callable[..., list[float]], asking: Callable[..., Any]) -> Definition:
    """A definition whose last part is `asking` a server, with the first row as all that it knows; see `Rooted`."""
    wanted = inspect.signature(asking).parameters

    def of_rows(rows: Rows) -> list[float]:
        known = {name: value for name, value in server_knowing(rows[0]).items() if name in wanted}
        return definition(rows[1:], **known)

    return of_rows


def _definition(rule: Aggregator) -> Callable[..., list[float]] | None:
    """As `oracle_for`; what else the last part's definition takes is still to be given by name."""
    stages = rule.stages if isinstance(rule, Pipeline) else ()
    last = rule.rule if isinstance(rule, Pipeline) else rule
    if any(part.kind not in ORACLES for part in (*stages, last)):
        return None

    def oracle(rows: Rows, **given: Any) -> list[float]:
        for stage in stages:
            rows = ORACLES[stage.kind](rows, **_parameters(stage, ORACLES[stage.kind]))
        answer: list[float] = ORACLES[last.kind](rows, **_parameters(last, ORACLES[last.kind]), **given)
        return answer

    return oracle


def source_of(rule: Aggregator) -> str:
    """Where the rule is defined, as its docstring says."""
    told = inspect.cleandoc(type(rule).__doc__ or "").partition("Source: ")[2].split("\n\n")[0]
    return " ".join(told.split()) or f"{type(rule).__module__}.{type(rule).__qualname__}"


def misreadings_of(rule: Aggregator) -> dict[str, Definition]:
    """Known wrong readings of `rule`'s definition, by name, set to its parameters; none for a pipeline."""
    if isinstance(rule, Rooted):
        return {name: _of_rows_alone(wrong, wrong) for name, wrong in misreadings_of(rule.rule).items()}
    misread = MISREADINGS.get(rule.kind, {})
    return {name: partial(definition, **_parameters(rule, definition)) for name, definition in misread.items()}


def _parameters(part: RowConsumer, definition: Callable[..., Any]) -> dict[str, float]:
    wanted = inspect.signature(definition).parameters
    return {name: value for name, value in part if name in wanted}


def agrees_with(oracle: Definition, *, source: str = "fedprop.oracles") -> Property:
    """The property of giving the same answers as `oracle`, which `source` defines."""

    def find(rule: Rule, case: Case, contract: Contract) -> Finding | None:
        rows = case.wide
        found: Vector = rule(rows)
        expected = torch.tensor(oracle(rows.tolist()), dtype=torch.float64)
        if same_answer(contract, rows, expected, found):
            return None
        return Finding(found, expected, "by the definition", rows)

    return Property("definition", "The answer is the one that the definition gives.", source, find)


def refuses(reference: Aggregator) -> Property:
    """The property of not answering when there are fewer rows than the rule's tolerance needs, by an error or NaN."""

    def find(rule: Rule, case: Case, contract: Contract) -> Finding | None:
        rows = case.wide
        try:
            found = rule(rows)
        except Exception:
            return None
        if not torch.isfinite(found).all():
            return None
        return Finding(
            found, how=f"for {len(rows)} rows, where an error is due: {reference.too_few(len(rows))}", rows=rows
        )

    statement = f"Fewer rows than `{reference.requirement()}` allows are refused rather than answered."
    return Property("too few rows", statement, f"fedprop.aggregators.{type(reference).__name__}", find)
