"""The updates of one aggregation, and what a server knows about each of them."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.aggregators.classifier import Classifier
from fedprop.aggregators.columns import Columns, Rows
from fedprop.aggregators.server_side import ServerSide
from fedprop.errors import InvalidUpdates, ServerUnknown
from fedprop.forms import PLAIN, Form, Given, taken
from fedprop.types import ClientId, Round, Vector

Numbers: TypeAlias = Sequence[int] | Tensor | NDArray[Any]
"""A whole number for each row."""


@dataclass(frozen=True, init=False, eq=False)
class Cohort:
    """The updates of one aggregation and what the server knows about each row.

    Attributes
    ----------
    updates : rows [n, d], a tensor or a source of columns.
    clients : who sent each row; memory is keyed by these, never by position. 0, 1, ... unless given.
    examples : how many training examples each sender claims; 1 unless given.
    staleness : how many versions behind the current one each row started; 0 unless given.
    server : what the server's own examples can tell, for rules that ask for it.
    form : what the rows were given as, for the answer to be the same.

    What only some rules ask for (`Aggregator.asks`) is there where it was given: `model`, `round`, `generator`,
    `classifier`.
    """

    updates: Rows
    clients: tuple[ClientId, ...]
    examples: tuple[int, ...]
    staleness: tuple[int, ...]
    server: ServerSide | None
    form: Form = field(repr=False)
    told: Mapping[str, Any] = field(repr=False)

    def __init__(
        self,
        updates: Given | Columns,
        clients: Numbers = (),
        examples: Numbers = (),
        staleness: Numbers = (),
        server: ServerSide | None = None,
        form: Form | None = None,
        *,
        model: Vector | None = None,
        round: Round | None = None,
        generator: torch.Generator | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        """Take rows in any form that a rule takes them in, and one number for each.

        `model` [d], `round`, `generator` and `classifier` are what a rule may ask for, as the properties of these names
        say.

        Raises
        ------
        InvalidUpdates
            If the rows are no matrix of floats, something has not one whole number from 0 on for each of them, or the
            model is not as long as they are.
        """
        rows, found = given_rows(updates, "a Cohort")
        if len(rows.shape) != 2:
            raise InvalidUpdates(f"`updates` must have shape [n, d] in a Cohort; found {list(rows.shape)}")
        if model is not None and model.shape != rows.shape[1:]:
            raise InvalidUpdates(f"`model` must have shape {list(rows.shape[1:])} here; found {list(model.shape)}")
        known = {
            "updates": rows,
            "clients": _one_each("clients", clients, tuple(range(len(rows)))),
            "examples": _counts("examples", examples, (1,) * len(rows)),
            "staleness": _counts("staleness", staleness, (0,) * len(rows)),
            "server": server,
            "form": form or found,
            "told": {"model": model, "round": round, "generator": generator, "classifier": classifier},
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @property
    def server_side(self) -> ServerSide:
        """`server`, for a rule that cannot do without it.

        Raises
        ------
        InvalidUpdates
            If the cohort came without one.
        """
        if self.server is None:
            raise ServerUnknown(
                "`server` must be given with the cohort to a rule that asks it, "
                "as in Cohort(rows, server=Reference(update)); found None"
            )
        return self.server

    @property
    def model(self) -> Vector:
        """The global parameters [d] that the rows are relative to. Raises `ServerUnknown` if nobody gave them."""
        return self._asked("model", "Cohort(rows, model=parameters)")  # type: ignore[no-any-return]

    @property
    def round(self) -> Round:
        """The number of the round, from 0 on. Raises `ServerUnknown` if nobody gave it."""
        return self._asked("round", "Cohort(rows, round=0)")  # type: ignore[no-any-return]

    @property
    def generator(self) -> torch.Generator:
        """Where random numbers come from, on the CPU. Raises `ServerUnknown` if nobody gave it."""
        return self._asked("generator", "Cohort(rows, generator=torch.Generator())")  # type: ignore[no-any-return]

    @property
    def classifier(self) -> Classifier:
        """The global model as one that tells classes apart. Raises `ServerUnknown` if nobody gave it."""
        return self._asked("classifier", "Cohort(rows, classifier=Logits(parameters))")  # type: ignore[no-any-return]

    def _asked(self, name: str, example: str) -> Any:
        if self.told[name] is None:
            raise ServerUnknown(
                f"`{name}` must be given with the cohort to a rule that asks for it, as in {example}; found None"
            )
        return self.told[name]

    def with_updates(self, updates: Rows) -> "Cohort":
        """The same senders with other rows, as a stage before the rule hands them on."""
        return self.changed(updates=updates)

    def changed(self, **fields: Any) -> "Cohort":
        """The same cohort but for these fields, which must fit each other."""
        other = copy(self)
        for name, value in fields.items():
            object.__setattr__(other, name, value)
        return other


def _one_each(name: str, given: Numbers, default: tuple[int, ...]) -> tuple[int, ...]:
    numbers = tuple(given.tolist() if isinstance(given, Tensor | np.ndarray) else given)
    if broken := [number for number in numbers if isinstance(number, float)]:
        raise InvalidUpdates(f"`{name}` must hold whole numbers; found {broken[0]}")
    if numbers and len(numbers) != len(default):
        raise InvalidUpdates(f"`{name}` must have one entry for each of the {len(default)} rows; found {len(numbers)}")
    return numbers or default


def _counts(name: str, given: Numbers, default: tuple[int, ...]) -> tuple[int, ...]:
    numbers = _one_each(name, given, default)
    if not all(number >= 0 for number in numbers):
        raise InvalidUpdates(f"`{name}` must hold numbers from 0 on; found {min(numbers)}")
    return numbers


def given_rows(updates: Given | Columns, whom: str) -> tuple[Tensor | Columns, Form]:
    """Rows to compute with, and the form in which they were given. Raises `InvalidUpdates` as `taken` does."""
    return (updates, PLAIN) if isinstance(updates, Columns) else taken(updates, "updates", whom)
