"""From what a user points at to a rule that can be asked: every way of writing a rule, made one."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeGuard

from torch import nn

from fedprop.aggregators import Aggregator, Contract, Postprocessor, Rooted, Stage, Told, completed
from fedprop.aggregators.said import check_said
from fedprop.aggregators.tolerance import parts_of
from fedprop.defenses.protocol import RoundProtocol
from fedprop.errors import InvalidConfig
from fedprop.properties.base import Rule
from fedprop.properties.claims import declared
from fedprop.registry import load_target
from fedprop.verify.rules.asked import Asked, Hearing, Weighing
from fedprop.verify.targets.flower import is_strategy, rule_of
from fedprop.verify.targets.making import made_with, refuse_settings

F_NAMES = (
    "f",
    "n_byzantine",
    "num_byzantine",
    "n_byz",
    "nb_byz",
    "num_malicious_clients",
    "num_malicious_nodes",
    "n_malicious",
    "num_malicious",
    "n_attackers",
    "num_attackers",
    "num_adversaries",
)
"""What libraries call the number of Byzantine rows that a rule is set to tolerate."""

EXAMPLE_NAMES = ("examples", "weights", "num_examples", "n_examples", "num_samples", "n_samples", "counts")
"""What functions call the claimed numbers of examples."""

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Target:
    """A rule by its f.

    Attributes
    ----------
    label : how the user named it.
    make : f -> a fresh rule.
    takes_f : whether f makes a difference.
    fixed : the f that an instance was made with; None if `make` decides.
    declared : what the `claims` decorator says, if it was used.
    settings : the fields that the user gave.
    hearing : the form that it takes rows in, once it was asked.
    source : what `label` stands for.
    """

    label: str
    make: Callable[[int], Rule]
    takes_f: bool
    fixed: int | None = None
    declared: Contract | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    hearing: Hearing = field(default_factory=Hearing)
    source: Any = None


def load_rule(target: Any, *, f: int = 0, settings: Mapping[str, Any] = NO_SETTINGS) -> Rule:
    """The rule that a target stands for, ready to be asked; `target` is an object or the text that names one.

    Raises
    ------
    InvalidConfig
        If there is no such target, or it is nothing that can aggregate.
    """
    return find_target(target, settings).make(f)


def find_target(target: Any, settings: Mapping[str, Any] = NO_SETTINGS) -> Target:
    """What `target`, an object or the text that names one, says about itself. Raises as `load_rule` does."""
    label = target if isinstance(target, str) else _name(target)
    found = load_target(target) if isinstance(target, str) else target
    return target_of(found, label, settings)


def target_of(found: Any, label: str, settings: Mapping[str, Any]) -> Target:
    """The target that an object is. Raises as `load_rule` does."""
    target = _target_of(found, label, settings)
    bound = (
        next((found.keywords[name] for name in F_NAMES if name in found.keywords), None) if _is_partial(found) else None
    )
    return replace(target, source=found, fixed=target.fixed if bound is None else bound)


def _is_partial(found: Any) -> TypeGuard[partial[Any]]:
    return isinstance(found, partial)


def _target_of(found: Any, label: str, settings: Mapping[str, Any]) -> Target:
    _refuse_protocol(found, label)
    if isinstance(found, Aggregator | Stage | Postprocessor):
        refuse_settings(settings, label)
        check_said(found)
        rule = completed(found)
        return Target(label, lambda _: rule, False, fixed=_f_of(rule))
    if is_strategy(found) and not isinstance(found, type):
        return Target(label, _flower(found), False)
    if not callable(found):
        raise InvalidConfig(f"a target must be a rule, an attack, a defense or a codec; found {label} = {found!r}")
    names = _parameters(found, label)
    f_name = next((name for name in F_NAMES if name in names), None)
    if isinstance(found, type):
        return _making_target(found, label, settings, f_name)
    if f_name is not None and _makes_rules(names, settings, f_name):
        return _making_target(found, label, settings, f_name)
    return _function_target(found, label, settings, f_name, names)


def _refuse_protocol(found: Any, label: str) -> None:
    if isinstance(found, RoundProtocol) or (isinstance(found, type) and issubclass(found, RoundProtocol)):
        raise InvalidConfig(
            f"a rule must be one that answers to rows alone; found {label}, a protocol: a rule is only a part of it"
        )


def _name(target: Any) -> str:
    return str(getattr(target, "__name__", None) or type(target).__name__)


def _f_of(rule: Aggregator) -> int | None:
    rule = rule.rule if isinstance(rule, Rooted | Told) else rule
    found = {part.f for part in parts_of(rule) if hasattr(part, "f")}
    return max(found, default=None)


def _parameters(found: Any, label: str) -> Mapping[str, inspect.Parameter]:
    """What can be given to it, without what a `partial` has given already."""
    given = found.keywords if _is_partial(found) else {}
    try:
        names = inspect.signature(found.forward if isinstance(found, nn.Module) else found).parameters
        return {name: parameter for name, parameter in names.items() if name not in given}
    except (TypeError, ValueError):
        raise InvalidConfig(f"{label} must have a signature that can be read; found {found!r}") from None


def _named(names: Mapping[str, inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """The parameters that stand for one argument each."""
    return (p for p in names.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))


def _required(names: Mapping[str, inspect.Parameter], settings: Mapping[str, Any]) -> list[str]:
    """The parameters that must be given and are not, in order."""
    return [p.name for p in _named(names) if p.default is p.empty and p.name not in settings]


def _makes_rules(names: Mapping[str, inspect.Parameter], settings: Mapping[str, Any], f_name: str) -> bool:
    """Whether a function wants nothing but f: then it does not aggregate, but makes what does."""
    required = _required(names, settings)
    if required:
        return required == [f_name]
    free = [p.name for p in _named(names) if p.name not in settings]
    return f_name in settings or free[:1] == [f_name]


def _with_f(settings: Mapping[str, Any], f_name: str | None, f: int) -> dict[str, Any]:
    """The arguments for f Byzantine rows; what the user sets stays."""
    return {**({f_name: f} if f_name else {}), **settings}


def _about_f(settings: Mapping[str, Any], f_name: str | None) -> dict[str, Any]:
    """What a target says about its f."""
    fixed = settings.get(f_name) if f_name else None
    return {"takes_f": f_name is not None and fixed is None, "fixed": fixed}


def _making_target(found: Any, label: str, settings: Mapping[str, Any], f_name: str | None) -> Target:
    """For a class, or a function, that makes rules."""
    hearing, checked = Hearing(), set[int]()

    def make(f: int) -> Rule:
        made = made_with(found, label, _with_f(settings, f_name, f))
        if isinstance(made, Aggregator | Stage | Postprocessor):
            if f not in checked:  # once for each f: a rule is made again for every input
                check_said(made)
                checked.add(f)
            return completed(made)
        if is_strategy(made):
            return _flower(made)(f)
        if not callable(made) or isinstance(made, type):
            raise InvalidConfig(f"{label} must make something that can be called with rows; found {made!r}")
        names = _parameters(made, label)
        f_of_call = next((name for name in F_NAMES if name in names), None)
        return _function_target(made, label, NO_SETTINGS, f_of_call, names, hearing).make(f)

    about = _about_f(settings, f_name)
    return Target(label, make, **about, declared=declared(found), settings=settings, hearing=hearing)


def _function_target(
    found: Any,
    label: str,
    settings: Mapping[str, Any],
    f_name: str | None,
    names: Mapping[str, inspect.Parameter],
    hearing: Hearing | None = None,
) -> Target:
    """For a function of rows."""
    heard = hearing or Hearing()
    rows, examples = _roles(found, label, settings, f_name, names)

    def make(f: int) -> Rule:
        call = _asking(found, rows, names, _with_f(settings, f_name, f))
        return Weighing(call, examples, heard) if examples else Asked(call, heard)

    about = _about_f(settings, f_name)
    return Target(label, make, **about, declared=declared(found), settings=settings, hearing=heard)


def _roles(
    found: Any, label: str, settings: Mapping[str, Any], f_name: str | None, names: Mapping[str, inspect.Parameter]
) -> tuple[str | None, str | None]:
    """Which parameter is for the rows, None if any may be, and which for the claimed examples, if any is.

    Raises
    ------
    InvalidConfig
        If it takes no rows, or needs what nobody gives.
    """
    free = [p.name for p in _named(names) if p.name not in settings and p.name != f_name]
    required = [name for name in _required(names, settings) if name != f_name]
    rows = next((name for name in (*required, *free) if name not in EXAMPLE_NAMES), None) or next(iter(free), None)
    examples = next((name for name in free if name in EXAMPLE_NAMES and name != rows), None)
    missing = [name for name in required if name not in (rows, examples)]
    unknown = sorted(set(settings) - set(names))
    if unknown or missing or (rows is None and not any(p.kind is p.VAR_POSITIONAL for p in names.values())):
        raise InvalidConfig(
            f"{label} must take rows, and may take {F_NAMES[0]} and {EXAMPLE_NAMES[0]}; found parameters {list(names)}"
            + (
                f", of which {missing} need --set; what only a server can tell, such as losses or a reference update, "
                "`verify` cannot give yet"
                if missing
                else ""
            )
            + (f", and --set names {unknown}" if unknown else "")
        )
    return rows, examples


def _asking(
    found: Any, rows: str | None, names: Mapping[str, inspect.Parameter], fixed: Mapping[str, Any]
) -> Callable[..., Any]:
    """The callable of rows alone that is left when all else is given; rows go by name unless they come first."""
    if rows is None or (next(iter(names)) == rows and names[rows].kind is not inspect.Parameter.KEYWORD_ONLY):
        return partial(found, **fixed)
    return lambda updates, **extra: found(**{rows: updates}, **fixed, **extra)


def _flower(strategy: Any) -> Callable[[int], Rule]:
    return lambda _: Weighing(rule_of(strategy), "examples")
