"""The properties that tie a fast rule to its definition."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

import torch

from fedprop import settings
from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.pipeline import Pipeline
from fedprop.aggregators.rooted import Rooted, self_contained
from fedprop.aggregators.told import Told
from fedprop.oracles import MISREADINGS, ORACLES
from fedprop.oracles.server_side import server_knowing
from fedprop.properties.base import Drawn, Finding, Property, Rule, answer_of
from fedprop.properties.case import Case
from fedprop.properties.comparison import same_answer
from fedprop.settings.kind import Kind

Rows: TypeAlias = list[list[float]]
NOTHING: Mapping[str, Any] = MappingProxyType({})
Definition: TypeAlias = Callable[[Rows], list[float]]


def oracle_for(rule: Aggregator) -> Definition | None:
    """The definition of `rule`, set to its parameters; for a pipeline, of all its parts. None if a part has none.

    Nor has a rule that asks for more one of rows alone, unless it is `Rooted` or `Told`.
    """
    return _definition(rule) if self_contained(rule) is rule else None


def _definition(rule: Aggregator) -> Callable[..., list[float]] | None:
    """As `oracle_for`; what else definitions take is still to be given by name."""
    if isinstance(rule, Rooted | Told):
        definition = _definition(rule.rule)
        return None if definition is None else partial(_WRAPPED[type(rule)], rule, definition)
    parts = rule.parts if isinstance(rule, Pipeline) else (rule,)
    if any(part.kind not in ORACLES for part in parts) or not all(_fits(inner) for inner in _inner_rules(parts)):
        return None

    def oracle(rows: Rows, **given: Any) -> list[float]:
        answer: Any = rows
        for part in parts:
            answer = ORACLES[part.kind](answer, **_parameters(part, ORACLES[part.kind], given))
        return answer  # type: ignore[no-any-return]

    return oracle


def _inner_rules(parts: Sequence[Kind]) -> list[Aggregator]:
    """The rules that some parts have as a setting."""
    return [value for part in parts for _, value in part if isinstance(value, Aggregator)]


def _fits(inner: Aggregator) -> bool:
    """Whether a rule around another one can be defined by its definition: not if it may have to lower an `f`."""
    return inner.kind in ORACLES and not hasattr(inner, "f") and self_contained(inner) is inner


def _of_rows_alone(rule: Rooted, definition: Callable[..., list[float]], rows: Rows) -> list[float]:
    """A definition that asks a server, with the first row as all that it knows; see `Rooted`."""
    return definition(rows[1:], **_asked(definition, {**server_knowing(rows[0]), **_told(0)}))


def _of_what_is_told(rule: Told, definition: Callable[..., list[float]], rows: Rows) -> list[float]:
    """A definition that takes a round or a generator, with what the rule is told."""
    return definition(rows, **_asked(definition, _told(rule.seed)))


def _told(seed: int) -> dict[str, Any]:
    return {"round": 0, "generator": torch.Generator().manual_seed(seed)}


def _asked(definition: Callable[..., Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What of this a definition takes, by name; all of it if it takes anything."""
    wanted = inspect.signature(definition).parameters
    takes_all = any(each.kind is each.VAR_KEYWORD for each in wanted.values())
    return {name: value for name, value in known.items() if takes_all or name in wanted}


_WRAPPED: dict[type[Aggregator], Callable[..., list[float]]] = {Rooted: _of_rows_alone, Told: _of_what_is_told}
"""What makes a definition one of rows alone, by what does so for the rule."""


def source_of(rule: Aggregator) -> str:
    """Where the rule is defined, as its docstring says."""
    rule = rule.rule if isinstance(rule, Rooted) else rule
    return settings.source_of(type(rule)) or f"{type(rule).__module__}.{type(rule).__qualname__}"


def misreadings_of(rule: Aggregator) -> dict[str, Definition]:
    """Known wrong readings of `rule`'s definition, by name, set to its parameters; none for a pipeline."""
    if isinstance(rule, Rooted | Told):
        known = misreadings_of(rule.rule)
        return {name: partial(_WRAPPED[type(rule)], rule, wrong) for name, wrong in known.items()}
    misread = MISREADINGS.get(rule.kind, {})
    return {name: partial(definition, **_parameters(rule, definition)) for name, definition in misread.items()}


def _parameters(part: Kind, definition: Callable[..., Any], given: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """What a definition takes of a part's settings and of what else is given."""
    settings = {name: _definition(value) if isinstance(value, Aggregator) else value for name, value in part}
    return _asked(definition, {**given, **settings})


def agrees_with(oracle: Definition, *, source: str = "fedprop.oracles") -> Property:
    """The property of giving the same answers as `oracle`, which `source` defines."""

    def find(rule: Rule, case: Case, contract: Contract) -> Finding | None:
        rows = case.wide
        found = answer_of(rule, case)
        expected = torch.tensor(oracle(rows.tolist()), dtype=torch.float64)
        if same_answer(contract, rows, expected, found):
            return None
        return Finding(found, expected, "by the definition", rows)

    statement = "The answer is the one that the definition gives."
    return Property("definition", statement, source, find, drawn=Drawn.TELLING)


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
