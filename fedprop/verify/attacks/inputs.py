"""What attacks are tried on: views of honest rows, and data to poison, small enough to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice, product
from math import prod
from typing import Any, Literal, TypeAlias, get_args, get_origin

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators import Aggregator, Mean, Median
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import Attack, Reply, View
from fedprop.errors import FedpropError, InvalidConfig
from fedprop.properties.digits import Digits, made_of_digits, signed
from fedprop.properties.strategies import PLACEMENTS, REACH, as_rows
from fedprop.types import Updates, Vector
from fedprop.verify.targets.making import made_with, refuse_settings

MOST_VARIANTS = 32
"""Maximum combinations tried of the choices that an attack offers; their number grows as a product."""

OVERFLOWING = (0.0, 2.0**66)
"""A placement at which the squares of float32 rows overflow."""

COMPROMISED, BENIGN = (1, 2, 3, 4, 2, 3, 5, 7), (1, 2, 3, 4, 5, 3, 4, 9)
"""How many clients there are, the plain numbers first."""

MOST, WIDTHS = (16, 60), (2, 130)
"""How many compromised and benign clients there are at most in a large cohort, and how long their updates are."""

SERVERS: Mapping[str, Aggregator] = {"mean": Mean(), "median": Median()}
"""What the server runs, for an attack that asks its rule."""

Choices: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Bowls:
    """A workshop whose losses are paraboloids: wanted is the model of ones, and each client's data lead to zero."""

    def data(self, row: int) -> tuple[Tensor, Tensor]:
        """Small images, more in later rows, of two classes."""
        y = torch.arange(2 * row + 3) % 2
        return data_of(y.tolist(), (1, 4, 4))

    def outputs(self, parameters: Vector, x: Tensor) -> Tensor:
        """Two classes: of the first is an input whose mean and the mean entry of the model add up to more than 0."""
        first = x.reshape(len(x), -1).double().mean(dim=1).to(parameters) + parameters.mean()
        return torch.stack([first, torch.zeros_like(first)], dim=1)

    def gradient(self, parameters: Vector, x: Tensor, y: Tensor) -> Vector:
        """The way from a model all of whose entries are the mean label and a little of the mean input."""
        return parameters - (y.double().mean() + 0.01 * x.double().mean()).to(parameters)

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
    own, benign : honest rows [c, d] and [b, d].
    origin : the received model [d].
    seed : of the view's generator.
    server : what the server runs, a key of `SERVERS`.
    made : Python for `own, benign`, where they are too large to be written down.
    asked : the view as it is after the attack has answered it, and the answer or the error; empty before.
    """

    choices: Choices
    attack: Attack
    own: Updates
    benign: Updates
    origin: Vector
    seed: int = 0
    server: str = "mean"
    made: str = ""
    asked: list[tuple[View, Reply | FedpropError]] = field(default_factory=list, init=False)

    def view(self, **changes: Any) -> View:
        """What the attack gets to see in the simulator, and if `changes` say so, what it must not."""
        benign = self.benign.clone() if self.attack.sees == "full" else None
        server = SERVERS[self.server]
        shown = view_of(self.attack, self.own.clone(), benign, self.origin.clone(), seed=self.seed, server=server)
        return replace(shown, **changes)


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
        """Inputs x [n, *shape] and labels y [n]."""
        return data_of(self.labels, self.shape)


def data_of(labels: Sequence[int], shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Inputs x [n, *shape], all different and of either sign, or token ids if that is their shape, and labels y [n]."""
    x = torch.arange(len(labels) * prod(shape)).reshape(len(labels), *shape)
    y = torch.tensor(labels)
    return (x % 50, y) if shape == TOKENS else ((x - prod(shape)) / 8, y)


def view_of(
    attack: Attack,
    own: Any,
    benign: Any = None,
    origin: Any = None,
    *,
    seed: int = 0,
    server: Aggregator = SERVERS["mean"],
) -> View:
    """What the simulator shows an attack of honest rows, as lists or tensors; the received model is zero if not given.

    An attack that does not train has no workshop. What else it may know follows from the seed: the round, how many
    updates the server averages, what the clients would claim, and of the models received before as many as it looks
    back or fewer.
    """
    own, benign = _tensor(own), None if benign is None else _tensor(benign)
    c, d = own.shape
    origin = torch.zeros(d, dtype=own.dtype) if origin is None else _tensor(origin)
    known = seed % (attack.looks_back + 2)
    steps = torch.randint(-8, 9, (min(known, attack.looks_back), d), generator=torch.Generator().manual_seed(seed))
    return View(
        own,
        benign,
        origin,
        AssumedRule(attack.assumes, server).knowing(own, origin),
        torch.Generator().manual_seed(seed),
        Bowls() if attack.trains else None,
        received=c + seed % 11,
        examples=[1 + (seed + i) % 50 for i in range(c)],
        round=seed % 7,
        past=origin + steps.to(origin.dtype),
    )


def _tensor(rows: Any) -> Tensor:
    return rows if isinstance(rows, Tensor) else torch.tensor(rows, dtype=torch.float64)


def crowd(
    c: int, b: int, d: int, seed: int, place: tuple[float, float] = (0.0, 1.0), dtype: torch.dtype = torch.float64
) -> tuple[Updates, Updates]:
    """Rows [c, d] and [b, d] of random integers between -8 and 8, placed at (offset, spread)."""
    generator = torch.Generator().manual_seed(seed)
    return _placed(torch.randint(-8, 9, (c + b, d), generator=generator, dtype=torch.float64), c, place, dtype)


def _placed(rows: Tensor, c: int, place: tuple[float, float], dtype: torch.dtype) -> tuple[Updates, Updates]:
    placed = (place[0] + place[1] * rows).to(dtype)
    return placed[:c].clone(), placed[c:].clone()


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


def situations(among: Sequence[tuple[Choices, Attack]], *, huge: bool = False) -> st.SearchStrategy[Situation]:
    """A few compromised clients among a few benign ones; small integers, placed."""
    return made_of_digits(partial(_situation, among=among, huge=huge))


def _situation(digits: Digits, *, among: Sequence[tuple[Choices, Attack]], huge: bool) -> Situation:
    choices, attack = digits.among(among)
    usual = digits.among(PLACEMENTS), digits.among(DTYPES)
    place, dtype = (OVERFLOWING, torch.float32) if huge else usual
    d, c, b = digits.between(1, 2), digits.among(COMPROMISED), digits.among(BENIGN)
    entries = digits.take(max(COMPROMISED) + max(BENIGN), 2)[: c + b, :d]
    origin = as_rows(signed(digits.take(1, 2)[:, :d], REACH))[0].to(dtype)
    rows = _placed(as_rows(signed(entries, REACH)), c, place, dtype)
    return Situation(choices, attack, *rows, origin, digits.one(), digits.among(tuple(SERVERS)))


@st.composite
def large_situations(draw: st.DrawFn, among: list[tuple[Choices, Attack]]) -> Situation:
    """Many clients, or long updates."""
    choices, attack = draw(st.sampled_from(among))
    c, b, d = draw(st.integers(1, MOST[0])), draw(st.integers(1, MOST[1])), draw(st.sampled_from(WIDTHS))
    place, dtype, seed = draw(st.sampled_from(PLACEMENTS)), draw(st.sampled_from(DTYPES)), draw(st.integers(0, 2**16))
    origin = crowd(1, 0, d, seed + 1, dtype=dtype)[0][0]
    made = f"crowd({c}, {b}, {d}, {seed}, {place}, {dtype})"
    rows = crowd(c, b, d, seed, place, dtype)
    return Situation(choices, attack, *rows, origin, seed, draw(st.sampled_from(tuple(SERVERS))), made)


DTYPES = (torch.float64, torch.float32)

TOKENS = (7,)
"""The shape of inputs that are token ids."""

INPUTS: tuple[tuple[int, ...], ...] = ((2,), (1, 4, 4), (1, 4, 4), TOKENS, (1, 4, 4), (3, 32, 32))
"""Shapes of inputs: feature vectors, images, sentences."""


@st.composite
def shards(draw: st.DrawFn, among: list[tuple[Choices, Attack]]) -> Shard:
    """Up to five examples of up to ten classes, as feature vectors, as images or as token ids."""
    choices, attack = draw(st.sampled_from(among))
    classes = draw(st.integers(2, 10))
    labels = tuple(draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=5)))
    return Shard(choices, attack, labels, classes, draw(st.sampled_from(INPUTS)), draw(st.integers(0, 2**16)))


@st.composite
def large_shards(draw: st.DrawFn, among: list[tuple[Choices, Attack]]) -> Shard:
    """Up to two hundred examples of up to a hundred classes."""
    choices, attack = draw(st.sampled_from(among))
    classes, n, seed = draw(st.integers(2, 100)), draw(st.integers(1, 200)), draw(st.integers(0, 2**16))
    labels = tuple(torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed)).tolist())
    return Shard(choices, attack, labels, classes, draw(st.sampled_from(INPUTS)), seed)
