"""From what a user points at to a rule that can be asked: every way of writing a rule, made one."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedprop.aggregators import Aggregator, Contract, Mean, Pipeline, Rooted, Stage, self_contained
from fedprop.errors import InvalidConfig
from fedprop.failures import in_words
from fedprop.properties.base import Rule
from fedprop.properties.claims import declared
from fedprop.registry import load_target
from fedprop.types import Updates, Vector
from fedprop.verify.claim import Crashed, Refused, contained
from fedprop.verify.flower import is_strategy, rule_of
from fedprop.verify.making import made_with, refuse_settings

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
    """

    label: str
    make: Callable[[int], Rule]
    takes_f: bool
    fixed: int | None = None
    declared: Contract | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


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
    if isinstance(found, Aggregator | Stage):
        refuse_settings(settings, label)
        rule = _completed(found)
        return Target(label, lambda _: rule, False, fixed=_f_of(rule))
    if is_strategy(found) and not isinstance(found, type):
        return Target(label, _flower(found), False)
    if not callable(found):
        raise InvalidConfig(f"a target must be a rule, an attack, a defense or a codec; found {label} = {found!r}")
    names = _parameters(found, label)
    f_name = next((name for name in F_NAMES if name in names), None)
    if isinstance(found, type):
        return _class_target(found, label, settings, f_name)
    required = _required(names)
    if required == [f_name] or (required == [] and f_name is not None and next(iter(names)) == f_name):
        return Target(
            label, _factory(found, f_name or "f", settings), True, declared=declared(found), settings=settings
        )
    return _function_target(found, label, settings, f_name, names)


def _name(target: Any) -> str:
    return str(getattr(target, "__name__", None) or type(target).__name__)


def _completed(rule: Aggregator | Stage) -> Aggregator:
    """A stage is judged by what the mean makes of its rows; what the server learns itself stands in the first row."""
    return Pipeline(stages=rule.parts, rule=Mean()) if isinstance(rule, Stage) else self_contained(rule)


def _f_of(rule: Aggregator) -> int | None:
    rule = rule.rule if isinstance(rule, Rooted) else rule
    parts = (*rule.stages, rule.rule) if isinstance(rule, Pipeline) else (rule,)
    found = {part.f for part in parts if hasattr(part, "f")}
    return max(found, default=None)


def _parameters(found: Any, label: str) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(found).parameters
    except (TypeError, ValueError):
        raise InvalidConfig(f"{label} must have a signature that can be read; found {found!r}") from None


def _required(names: Mapping[str, inspect.Parameter]) -> list[str]:
    """The parameters that must be given, in order."""
    collects = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [name for name, p in names.items() if p.default is p.empty and p.kind not in collects]


def _class_target(cls: Any, label: str, settings: Mapping[str, Any], f_name: str | None) -> Target:
    def make(f: int) -> Rule:
        fields = {**settings, **({f_name: f} if f_name and f_name not in settings else {})}
        made = made_with(cls, label, fields)
        if isinstance(made, Aggregator | Stage):
            return _completed(made)
        if is_strategy(made):
            return _flower(made)(f)
        if not callable(made):
            raise InvalidConfig(f"{label} must make something that can be called with rows; found {made!r}")
        return Asked(made)

    takes_f = f_name is not None and f_name not in settings
    fixed = None if takes_f or not f_name else settings[f_name]
    return Target(label, make, takes_f, fixed=fixed, declared=declared(cls), settings=settings)


def _factory(found: Any, f_name: str, settings: Mapping[str, Any]) -> Callable[[int], Rule]:
    def make(f: int) -> Rule:
        made = made_with(found, _name(found), {**settings, f_name: f})
        if not isinstance(made, Aggregator | Stage) and not callable(made) and not is_strategy(made):
            raise InvalidConfig(f"{_name(found)} must make something that can be called with rows; found {made!r}")
        return target_of(made, _name(found), NO_SETTINGS).make(f)

    return make


def _function_target(
    found: Any, label: str, settings: Mapping[str, Any], f_name: str | None, names: Mapping[str, inspect.Parameter]
) -> Target:
    examples = next((name for name in list(names)[1:] if name in EXAMPLE_NAMES), None)
    bound = {*settings, *filter(None, (f_name, examples))}
    unknown = sorted(set(settings) - set(names))
    missing = [name for name in _required(names)[1:] if name not in bound]
    if not names or unknown or missing:
        raise InvalidConfig(
            f"{label} must take rows, and may take {F_NAMES[0]} and {EXAMPLE_NAMES[0]}; found parameters {list(names)}"
            + (f", of which {missing} need --set" if missing else "")
            + (f", and --set names {unknown}" if unknown else "")
        )

    def make(f: int) -> Rule:
        fixed = {**settings, **({f_name: f} if f_name and f_name not in settings else {})}
        return Weighing(partial(found, **fixed), examples) if examples else Asked(partial(found, **fixed))

    return Target(
        label, make, f_name is not None and f_name not in settings, declared=declared(found), settings=settings
    )


def _flower(strategy: Any) -> Callable[[int], Rule]:
    return lambda _: Weighing(rule_of(strategy), "examples")


class Asked:
    """A callable as a rule: NumPy or torch, whichever it speaks; what it raises is told apart by whose fault it is."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._speaks_numpy: bool | None = None

    def __call__(self, updates: Updates) -> Vector:
        return self._answer(updates)

    def _answer(self, updates: Updates, **extra: Any) -> Vector:
        if self._speaks_numpy is None:
            self._speaks_numpy = self._listen(updates, **extra)
        try:
            return self._put(updates, **extra)
        except Exception as error:
            raise blame(partial(self._put, **extra), updates, error) from error

    def _put(self, updates: Updates, **extra: Any) -> Vector:
        with contained():
            found = self._call(updates.cpu().numpy() if self._speaks_numpy else updates, **extra)
        if isinstance(found, Tensor):
            return found
        if isinstance(found, np.ndarray | np.generic):
            return torch.as_tensor(found)
        raise TypeError(f"the answer must be a tensor or an array; found {type(found).__name__}")

    def _listen(self, updates: Updates, **extra: Any) -> bool:
        """Whether the callable wants arrays: it fails on a tensor, or answers it with an array."""
        for numpy in (False, True):
            self._speaks_numpy = numpy
            try:
                probe = _benign(updates)
                with contained():
                    found = self._call(probe.numpy() if numpy else probe, **extra)
            except Exception:  # noqa: S112
                continue
            if isinstance(found, np.ndarray | np.generic) == numpy:
                return numpy
        return False


def blame(rule: Rule, updates: Updates, error: Exception) -> Refused | Crashed:
    """Whose fault an error is: of the shape, if benign rows of that shape fail as well, or of these rows."""
    try:
        with contained():
            rule(_benign(updates))
    except Exception:
        return Refused(f"rows of shape {list(updates.shape)} are refused ({in_words(error)})")
    return Crashed(in_words(error))


class Weighing(Asked):
    """A callable that takes the claimed numbers of examples as well."""

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        super().__init__(call)
        self._name = name

    def __call__(self, updates: Updates) -> Vector:
        return self.with_examples(updates, (1,) * len(updates))

    def with_examples(self, updates: Updates, examples: Sequence[int]) -> Vector:
        """The answer to rows [n, d] whose senders claim these numbers of examples."""
        return self._answer(updates, **{self._name: list(examples)})


def _benign(updates: Updates) -> Updates:
    """Rows of the same shape that no rule has reason to fear."""
    generator = torch.Generator().manual_seed(len(updates))
    return torch.randn(updates.shape, generator=generator, dtype=torch.float64).to(updates.dtype)
