"""What attacks are tried on: views of honest rows, and data to poison, small enough to read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod
from typing import Any, Literal, TypeAlias, get_args, get_origin

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators import Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import Attack, View
from fedprop.errors import InvalidConfig
from fedprop.properties.strategies import PLACEMENTS, Grid
from fedprop.types import Updates, Vector
from fedprop.verify.making import made_with, refuse_settings

MOST_VARIANTS = 32
"""So many combinations of the choices that an attack offers are tried at most."""

OVERFLOWING = (0.0, 2.0**66)
"""A placement at which the squares of float32 rows overflow."""

COMPROMISED, BENIGN = (1, 2, 3, 4, 2, 3, 5, 7), (1, 2, 3, 4, 5, 3, 4, 9)
"""How many clients there are, the plain numbers first."""

Choices: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Bowls:
    """A workshop whose losses are paraboloids: wanted is the model of ones, and each client's data lead to zero."""

    received: int

    def wanted_gradient(self, parameters: Vector) -> Vector:
        """The way from the model of ones."""
        return parameters - 1

    def training_gradient(self, parameters: Vector, row: int, generator: torch.Generator) -> Vector:
        """The way from zero, but for a little noise."""
        return parameters + 0.1 * torch.randn(parameters.shape, generator=generator, dtype=parameters.dtype)


@dataclass(frozen=True, eq=False)
class Situation:
    """What an attack is asked.

    Attributes
    ----------
    choices : the fields that it was made with, beside the user's.
    attack : made with them.
    own, benign : honest rows [c, d] and [b, d], before they are placed at `place`, an (offset, spread).
    dtype : of the rows.
    seed : of the view's generator.
    """

    choices: Choices
    attack: Attack
    own: Grid
    benign: Grid
    place: tuple[float, float] = (0.0, 1.0)
    dtype: torch.dtype = torch.float64
    seed: int = 0

    def view(self, **changes: Any) -> View:
        """What the attack gets to see, and if `changes` say so, what it must not."""
        own, benign = (
            (self.place[0] + self.place[1] * _tensor(rows)).to(self.dtype) for rows in (self.own, self.benign)
        )
        shown = view_of(self.attack, own, benign if self.attack.sees == "full" else None, seed=self.seed)
        return replace(shown, **changes)

    @property
    def hidden(self) -> Updates:
        """The benign rows, whether the attack may see them or not."""
        return (self.place[0] + self.place[1] * _tensor(self.benign)).to(self.dtype)


@dataclass(frozen=True, eq=False)
class Shard:
    """The data that an attack is given to poison: inputs of a shape, labels, and how many classes there are."""

    choices: Choices
    attack: Attack
    labels: tuple[int, ...]
    classes: int
    shape: tuple[int, ...]
    seed: int = 0

    @property
    def data(self) -> tuple[Tensor, Tensor]:
        """Inputs x [n, *shape], all different, and labels y [n]."""
        x = torch.arange(float(len(self.labels) * prod(self.shape))).reshape(len(self.labels), *self.shape)
        return x / 8, torch.tensor(self.labels)


def view_of(attack: Attack, own: Any, benign: Any = None, *, seed: int = 0) -> View:
    """A view of honest rows, as lists or tensors; the received model is zero, the assumed rule the simulator's."""
    own, benign = _tensor(own), None if benign is None else _tensor(benign)
    origin = torch.zeros(own.shape[1], dtype=own.dtype)
    generator = torch.Generator().manual_seed(seed)
    return View(own, benign, origin, AssumedRule(attack.assumes, Mean()), generator, Bowls(received=2 * len(own)))


def _tensor(rows: Any) -> Tensor:
    return rows if isinstance(rows, Tensor) else torch.tensor(rows, dtype=torch.float64)


def variants(obj: Any, label: str, settings: Mapping[str, Any]) -> list[tuple[Choices, Attack]]:
    """The attack, or the class made with every combination of choices that `settings` leave open and that it accepts.

    Raises
    ------
    InvalidConfig
        If no combination makes an attack, or an attack that is made already is given settings.
    """
    if isinstance(obj, Attack):
        refuse_settings(settings, label)
        return [({}, obj)]
    open_ = {name: _options(field.annotation) for name, field in obj.model_fields.items() if name not in settings}
    open_ = {name: options for name, options in open_.items() if len(options) > 1}
    made: list[tuple[Choices, Attack]] = []
    refused: list[InvalidConfig] = []
    for values in islice(product(*open_.values()), MOST_VARIANTS):
        choices = dict(zip(open_, values, strict=True))
        try:
            made.append((choices, made_with(obj, label, {**settings, **choices})))
        except InvalidConfig as error:
            refused.append(error)
    if not made:
        raise refused[-1]
    return made


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


@st.composite
def situations(draw: st.DrawFn, among: list[tuple[Choices, Attack]], *, huge: bool = False) -> Situation:
    """A few compromised clients among a few benign ones; small integers, placed."""
    choices, attack = draw(st.sampled_from(among))
    d, c, b = draw(st.integers(1, 2)), draw(st.sampled_from(COMPROMISED)), draw(st.sampled_from(BENIGN))
    cells = draw(st.lists(st.integers(-8, 8), min_size=(c + b) * d, max_size=(c + b) * d))
    rows = [cells[i * d : (i + 1) * d] for i in range(c + b)]
    place = OVERFLOWING if huge else draw(st.sampled_from(PLACEMENTS))
    dtype = torch.float32 if huge else draw(st.sampled_from((torch.float64, torch.float32)))
    return Situation(choices, attack, rows[:c], rows[c:], place, dtype, draw(st.integers(0, 2**16)))


@st.composite
def shards(draw: st.DrawFn, among: list[tuple[Choices, Attack]]) -> Shard:
    """Up to five examples of up to ten classes, as feature vectors or as images."""
    choices, attack = draw(st.sampled_from(among))
    classes = draw(st.integers(2, 10))
    labels = tuple(draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=5)))
    shape = draw(st.sampled_from(((2,), (1, 4, 4))))
    return Shard(choices, attack, labels, classes, shape, draw(st.integers(0, 2**16)))
