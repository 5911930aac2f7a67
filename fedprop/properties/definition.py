"""The properties that tie a fast rule to its definition."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch

from fedprop.aggregators.base import Aggregator, RowConsumer
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.pipeline import Pipeline
from fedprop.oracles import ORACLES
from fedprop.oracles.misreadings import MISREADINGS
from fedprop.properties.base import Finding, Property, Rule
from fedprop.properties.case import Case
from fedprop.properties.comparison import same_answer
from fedprop.types import Vector

Rows: TypeAlias = list[list[float]]
Definition: TypeAlias = Callable[[Rows], list[float]]


def oracle_for(rule: Aggregator) -> Definition | None:
    """The definition of `rule`, set to its parameters; for a pipeline, of all its parts. None if a part has none."""
    stages = rule.stages if isinstance(rule, Pipeline) else ()
    last = rule.rule if isinstance(rule, Pipeline) else rule
    if any(part.kind not in ORACLES for part in (*stages, last)):
        return None

    def oracle(rows: Rows) -> list[float]:
        for stage in stages:
            rows = ORACLES[stage.kind](rows, **_parameters(stage, ORACLES[stage.kind]))
        answer: list[float] = ORACLES[last.kind](rows, **_parameters(last, ORACLES[last.kind]))
        return answer

    return oracle


def source_of(rule: Aggregator) -> str:
    """Where the rule is defined, as its docstring says."""
    told = inspect.cleandoc(type(rule).__doc__ or "").partition("Source: ")[2].split("\n\n")[0]
    return " ".join(told.split()) or f"{type(rule).__module__}.{type(rule).__qualname__}"


def misreadings_of(rule: Aggregator) -> dict[str, Definition]:
    """Known wrong readings of `rule`'s definition, by name, set to its parameters; none for a pipeline."""
    misread = MISREADINGS.get(rule.kind, {})
    return {name: partial(definition, **_parameters(rule, definition)) for name, definition in misread.items()}


def _parameters(part: RowConsumer, definition: Callable[..., Any]) -> dict[str, float]:
    wanted = inspect.signature(definition).parameters
    return {name: value for name, value in part if name in wanted}


def agrees_with(oracle: Definition, *, source: str = "fedprop.oracles") -> Property:
    """The property of giving the same answers as `oracle`, which `source` defines."""

    def find(rule: Rule, case: Case, contract: Contract) -> Finding | None:
        rows = case.rows.double()
        found: Vector = rule(rows)
        expected = torch.tensor(oracle(rows.tolist()), dtype=torch.float64)
        if same_answer(contract, rows, expected, found):
            return None
        return Finding(found, expected, "by the definition", rows)

    return Property("definition", "The answer is the one that the definition gives.", source, find)


def refuses(reference: Aggregator) -> Property:
    """The property of not answering when there are fewer rows than the rule's tolerance needs, by an error or NaN."""

    def find(rule: Rule, case: Case, contract: Contract) -> Finding | None:
        rows = case.rows.double()
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
