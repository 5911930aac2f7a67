"""What every attack is: a frozen value that poisons data, crafts updates, or both."""

from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from fedprop.attacks.active_rounds import ALWAYS, ActiveRounds
from fedprop.attacks.workshop import Workshop
from fedprop.errors import InvalidConfig, InvalidUpdates
from fedprop.forms import PLAIN, Form, Given, taken
from fedprop.types import Kind, Updates, Vector, Weights

Knowledge: TypeAlias = Literal["partial", "full"]

Alarms: TypeAlias = Literal["honest", "always", "never", "inverted"]
"""What compromised clients report where honest ones alarm the server of a poisoned global model."""


@runtime_checkable
class Assumed(Protocol):
    """The rule an attack assumes the server runs, as a black box."""

    def __call__(self, updates: Updates, f: int) -> tuple[Vector, Weights]:
        """The aggregate [d] and each row's weight [n] when the rule is set to tolerate `f` rows."""
        ...


@dataclass(frozen=True, init=False)
class View:
    """What an attack may see when it must answer.

    Attributes
    ----------
    own : Tensor, shape [c, d]
        The honest (before-attack) updates of the compromised clients, one row for each answer owed.
    benign : Tensor, shape [b, d], or None
        The honest clients' updates; None under partial knowledge, whatever the attack would like.
    origin : Tensor, shape [d]
        The global parameters the clients received: Fang's w_Re. Update + origin = local model.
    assumed : Assumed
        The rule named by the attack's `assumes`, or the server's own where it names none.
    generator : torch.Generator
        The only source of randomness.
    workshop : Workshop, or None
        What the compromised clients can work out with their own data; None for an attack that aims at no inputs.
    form : Form
        What `own` was given as, for the answer to be the same.
    """

    own: Float[Tensor, "c d"]
    benign: Float[Tensor, "b d"] | None
    origin: Float[Tensor, " d"]
    assumed: Assumed
    generator: torch.Generator
    workshop: Workshop | None
    form: Form = field(repr=False, compare=False)

    def __init__(
        self,
        own: Given,
        benign: Given | None,
        origin: Tensor | NDArray[Any],
        assumed: Assumed,
        generator: torch.Generator,
        workshop: Workshop | None = None,
        form: Form | None = None,
    ) -> None:
        """Take rows as tensors, arrays or lists of vectors.

        Raises
        ------
        InvalidUpdates
            If something is no tensor and no array of floats, or the shapes do not fit together.
        """
        rows, found = taken(own, "own", "a View")
        known = {
            "own": rows,
            "benign": None if benign is None else taken(benign, "benign", "a View")[0],
            "origin": taken(origin, "origin", "a View")[0],
            "assumed": assumed,
            "generator": generator,
            "workshop": workshop,
            "form": form or found,
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)
        self._check_shapes()

    def _check_shapes(self) -> None:
        if self.own.ndim != 2:
            raise InvalidUpdates(f"`own` must have shape [c, d] in a View; found {list(self.own.shape)}")
        d = self.own.shape[1]
        if self.origin.shape != (d,):
            raise InvalidUpdates(f"`origin` must have shape [{d}] as `own` has; found {list(self.origin.shape)}")
        if self.benign is not None and (self.benign.ndim != 2 or self.benign.shape[1] != d):
            raise InvalidUpdates(f"`benign` must have shape [b, {d}] as `own` has; found {list(self.benign.shape)}")

    @property
    def others(self) -> Updates:
        """`benign`, for an attack that cannot do without it.

        Raises
        ------
        InvalidConfig
            If the view hides it.
        """
        if self.benign is None:
            raise InvalidConfig("`benign` must hold the honest clients' updates under full knowledge; found None")
        return self.benign

    @property
    def tools(self) -> Workshop:
        """`workshop`, for an attack that cannot do without it.

        Raises
        ------
        InvalidConfig
            If the view comes without one.
        """
        if self.workshop is None:
            raise InvalidConfig("`workshop` must be given to an attack that works with data of its own; found None")
        return self.workshop

    @property
    def everyone(self) -> Updates:
        """The before-attack updates of all clients, the compromised ones first. Raises as `others` does."""
        return torch.cat([self.own, self.others])


@dataclass(frozen=True)
class Constraint:
    """One limit that an attack sets itself, in a form that `fedprop verify` can try to catch it beyond.

    Attributes
    ----------
    name : a few words.
    statement : the limit in one sentence.
    source : paper and section or equation.
    broken : what is wrong with the crafted rows [c, d] given the view they were crafted from; None if they keep to it.
    """

    name: str
    statement: str
    source: str
    broken: Callable[[View, Updates], str | None]


class Attack(Kind, ABC):
    """Base of all attacks.

    Attributes
    ----------
    share : the fraction of all clients it compromises.
    alarms : how these report on the global model, where the defense asks them to: as an honest client in their place
        would, or with a lie. The code published with SIREN+ (Guo et al. 2024) has them alarm always.
    rounds : those in which it is on. Tasks given out in other rounds are answered, and reported on, as an honest client
        would. Data are poisoned once, before the run, so an attack that does so is always on.

    Raises
    ------
    pydantic.ValidationError
        If an attack that poisons data is to pause.
    """

    share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2
    rounds: ActiveRounds = ALWAYS
    alarms: Alarms = "honest"
    assumes: ClassVar[str | None] = None
    """The kind of rule the attack is crafted against; None for one that needs no rule."""
    malformed: ClassVar[bool] = False
    """Whether it means to send rows that no server accepts: of another shape or dtype, or with NaN."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Have the attack's `craft` answer in the form of the view, though it is written for tensors alone."""
        super().__init_subclass__(**options)
        if "craft" in vars(cls):
            cls.craft = _in_form_of_view(vars(cls)["craft"])  # type: ignore[method-assign, assignment]

    @property
    def sees(self) -> Knowledge:
        """What `View.benign` holds: None under `partial`, everybody's honest updates under `full`."""
        return "partial"

    @property
    def crafts(self) -> bool:
        """Whether the attack replaces updates (else it only poisons data)."""
        return type(self).craft is not Attack.craft

    @property
    def poisons(self) -> bool:
        """Whether the attack changes training data."""
        return type(self).poison is not Attack.poison

    @property
    def lies(self) -> bool:
        """Whether it may report on the global model as no honest client would."""
        return self.alarms != "honest" or type(self).says is not Attack.says

    @model_validator(mode="after")
    def _poison_is_there_for_good(self) -> "Attack":
        if self.poisons and self.rounds != ALWAYS:
            raise InvalidConfig(
                f"`rounds` must be left out for {type(self).__name__}, whose data stay poisoned; found {self.rounds!r}"
            )
        return self

    def says(self, alarm: bool) -> bool:
        """What a compromised client reports where an honest one in its place would report `alarm`."""
        return {"honest": alarm, "always": True, "never": False, "inverted": not alarm}[self.alarms]

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The data a compromised client trains on, instead of its own examples x [n, ...] with labels y [n]."""
        return x, y

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """The inputs that a targeted attack wants misclassified and the labels it wants for them.

        They are chosen once, before the run, from the test set, x [n, ...] with labels y [n]. None for an attack that
        has no such aim.
        """
        return None

    def craft(self, view: View) -> Updates:
        """The updates [c, d] that the compromised clients send instead of `view.own`, in its dtype, on its device.

        A view that was made of arrays, or of rows in half precision, is answered in the same.
        """
        rows: Updates = view.form.of(view.own)
        return rows

    def constraints(self) -> tuple[Constraint, ...]:
        """The limits that the crafted rows keep to, as the paper states them; see `fedprop.attacks.constraints`."""
        return ()


def _in_form_of_view(craft: Callable[[Any, View], Any]) -> Callable[[Any, View], Any]:
    """A `craft` that sees and answers tensors, for views of every form."""

    @wraps(craft)
    def crafted(attack: Any, view: View) -> Any:
        # The copy that it sees is plain, so that what it asks of a base class is answered in tensors too.
        return craft(attack, view) if view.form == PLAIN else view.form.of(craft(attack, replace(view, form=PLAIN)))

    return crafted
