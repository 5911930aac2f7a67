"""A callable as a rule: asked in the form that it takes, and its errors told apart by whose fault they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from fedprop.answers import described
from fedprop.failures import in_words
from fedprop.properties.base import Rule
from fedprop.types import Updates, Vector
from fedprop.verify.hunting.claim import Crashed, Refused, contained
from fedprop.verify.targets.dialects import DIALECTS, Dialect, in_any

WRAP = "wrap it in a function that takes a tensor of rows [n, d] and returns a tensor [d]"
"""What to do with a callable that none of the forms fits."""


ELSE = ", ".join(dialect.name for dialect in DIALECTS[1:])


class Misfit(Refused):
    """The answer is no vector at all."""


@dataclass
class Hearing:
    """The form that a target takes its rows in, found out once for all its rules; None until one was answered."""

    dialect: Dialect | None = None


class Asked:
    """A callable as a rule; `hearing` is shared by all rules of one target."""

    def __init__(self, call: Callable[..., Any], hearing: Hearing | None = None) -> None:
        self._call = call
        self._hearing = Hearing() if hearing is None else hearing

    def __call__(self, updates: Updates) -> Vector:
        return self._answer(updates)

    def _answer(self, updates: Updates, **extra: Any) -> Vector:
        if self._hearing.dialect is None:
            self._hearing.dialect = listen(self._call, updates, **extra)
        try:
            return self._put(updates, **extra)
        except Exception as error:
            told = blame(partial(self._put, **extra), updates, error)
            if isinstance(told, Refused) and self._hearing.dialect is None:
                told = Refused(f"{told}, and so is {ELSE}; if it is the form: {WRAP}")
            raise told from error

    def _put(self, updates: Updates, **extra: Any) -> Vector:
        dialect = self._hearing.dialect or DIALECTS[0]
        with contained():
            found = self._call(dialect.put(updates), **extra)
        vector = as_vector(found, updates, dialect)
        if vector is None:
            kind = f"{type(found).__name__} of {len(found)}" if isinstance(found, list | tuple) else described(found)
            raise Misfit(
                f"the answer must be one vector [d], a tensor or an array, and nothing beside it; found {kind}"
            )
        return vector


def as_vector(found: Any, updates: Updates, dialect: Dialect) -> Vector | None:
    """What somebody answered to rows [n, d] as a tensor; None if it is none, or holds other things too."""
    vector = dialect.take(found)
    if vector is None:
        vector = in_any(found)
    if vector is None or vector.layout != torch.strided:
        return None
    if isinstance(found, Tensor) or not isinstance(found, list | tuple):
        return vector
    if vector.numel() != updates.shape[1]:
        return None
    return vector.to(updates.dtype) if isinstance(found[0], float | int) else vector


def listen(call: Callable[..., Any], updates: Updates, **extra: Any) -> Dialect | None:
    """The form that a callable wants rows [n, d] in: the first that it answers in kind, or else with any vector."""
    answered = []
    for dialect in DIALECTS:
        rows = benign(updates)
        try:
            with contained():
                found = call(dialect.put(rows), **extra)
            vector = dialect.take(found)
            if vector is not None and vector.numel() == rows.shape[1]:
                return dialect
            if as_vector(found, rows, dialect) is not None:
                answered.append(dialect)
        except Exception:  # noqa: S112 - this form is not the one
            continue
    return next(iter(answered), None)


def blame(rule: Rule, updates: Updates, error: Exception) -> Refused | Crashed:
    """Whose fault an error is: of the shape, if benign rows of that shape fail as well, or of these rows."""
    try:
        with contained():
            rule(benign(updates))
    except Misfit:
        return Refused(in_words(error))
    except Exception:
        return Refused(f"rows of shape {list(updates.shape)} are refused ({in_words(error)})")
    return Crashed(in_words(error), updates)


class Weighing(Asked):
    """A callable that takes the claimed numbers of examples as well."""

    def __init__(self, call: Callable[..., Any], name: str, hearing: Hearing | None = None) -> None:
        super().__init__(call, hearing)
        self._name = name

    def __call__(self, updates: Updates) -> Vector:
        return self.with_examples(updates, (1,) * len(updates))

    def with_examples(self, updates: Updates, examples: Sequence[int]) -> Vector:
        """The answer to rows [n, d] whose senders claim these numbers of examples."""
        return self._answer(updates, **{self._name: list(examples)})


def benign(updates: Updates) -> Updates:
    """Rows of the same shape that no rule has reason to fear."""
    generator = torch.Generator().manual_seed(len(updates))
    return torch.randn(updates.shape, generator=generator, dtype=torch.float64).to(updates.dtype)
