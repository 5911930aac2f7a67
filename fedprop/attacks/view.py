"""What an attack may see when it must answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from fedprop.attacks.workshop import Workshop
from fedprop.errors import InvalidConfig, InvalidUpdates
from fedprop.forms import Form, Given, taken
from fedprop.types import ClientId, Round, Updates, Vector, Weights

Knowledge: TypeAlias = Literal["partial", "full"]


@runtime_checkable
class Assumed(Protocol):
    """The rule an attack assumes the server runs, as a black box."""

    def __call__(self, updates: Updates, f: int) -> tuple[Vector, Weights]:
        """The aggregate [d] and each row's weight [n] when the rule is set to tolerate `f` rows."""
        ...


@dataclass(frozen=True, init=False, eq=False)
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
        The compromised clients' own machines and data; None for an attack that does not declare that it `trains`.
    form : Form
        What `own` was given as, for the answer to be the same.
    received : int
        How many updates the server averages at a time, the cohort that it wants. Every attack knows it.
    attackers : int
        How many of these come from the attack. Where more updates are on their way than are averaged, it is the
        attack's share of them, rounded, and at least one.
    clients : tuple of int, length c
        Whose updates the rows of `own` are: what an attack remembers of a client is keyed by these.
    members : tuple of int, length c
        Which of the attack's clients these are, numbered from 0 in the order of their ids.
    benign_clients : tuple of int, length b
        Whose updates the rows of `benign` are; empty where the view hides these.
    examples : tuple of int, length c
        How many training examples each of them would truthfully claim.
    round : int
        The round of the task that is answered.
    past : Tensor, shape [p, d]
        The latest global models that the attack's clients received before `origin`, in order, the newest last; at most
        as many as the attack `looks_back`, fewer where fewer were received.
    state : plain data
        What the attack's `remember` answered last; None before.
    buffers : int
        How many entries at the end of each row are no weights but what a model keeps beside them, such as the
        statistics of batch normalisation.
    """

    own: Float[Tensor, "c d"]
    benign: Float[Tensor, "b d"] | None
    origin: Float[Tensor, " d"]
    assumed: Assumed
    generator: torch.Generator
    workshop: Workshop | None
    form: Form = field(repr=False)
    received: int
    attackers: int
    clients: tuple[ClientId, ...]
    members: tuple[int, ...]
    benign_clients: tuple[ClientId, ...]
    examples: tuple[int, ...]
    round: Round
    past: Float[Tensor, "p d"]
    state: Any
    buffers: int

    def __init__(
        self,
        own: Given,
        benign: Given | None,
        origin: Tensor | NDArray[Any],
        assumed: Assumed,
        generator: torch.Generator,
        workshop: Workshop | None = None,
        form: Form | None = None,
        *,
        received: int | None = None,
        attackers: int | None = None,
        clients: Sequence[ClientId] | None = None,
        members: Sequence[int] | None = None,
        benign_clients: Sequence[ClientId] | None = None,
        examples: Sequence[int] | None = None,
        round: Round = 0,
        past: Tensor | NDArray[Any] | None = None,
        state: Any = None,
        buffers: int = 0,
    ) -> None:
        """Take rows as tensors, arrays or lists of vectors.

        Where nothing else is said, the server averages all rows given, or all of the attack's are among those that it
        averages; the clients are numbered from 0, the honest ones behind the attack's own, and hold one example each;
        and nothing came before.

        Raises
        ------
        InvalidUpdates
            If something is no tensor and no array of floats, or the shapes do not fit together.
        """
        rows, found = taken(own, "own", "a View")
        others = None if benign is None else taken(benign, "benign", "a View")[0]
        model = taken(origin, "origin", "a View")[0]
        c = len(rows) if rows.ndim else 0
        n = c + (0 if others is None else len(others)) if received is None else received
        known = {
            "own": rows,
            "benign": others,
            "origin": model,
            "assumed": assumed,
            "generator": generator,
            "workshop": workshop,
            "form": form or found,
            "received": n,
            "attackers": max(1, min(c, n)) if attackers is None else attackers,
            "clients": tuple(range(c) if clients is None else clients),
            "members": tuple(members if members is not None and len(members) == c else range(c)),
            "benign_clients": _numbered(benign_clients, others, c),
            "examples": tuple((1,) * c if examples is None else examples),
            "round": round,
            "past": model.new_empty(0, *model.shape) if past is None else taken(past, "past", "a View")[0],
            "state": state,
            "buffers": buffers,
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)
        self._check_shapes()

    def _check_shapes(self) -> None:
        if self.own.ndim != 2:
            raise InvalidUpdates(f"`own` must have shape [c, d] in a View; found {list(self.own.shape)}")
        c, d = self.own.shape
        if self.origin.shape != (d,):
            raise InvalidUpdates(f"`origin` must have shape [{d}] as `own` has; found {list(self.origin.shape)}")
        for name, letter in (("benign", "b"), ("past", "p")):
            rows = getattr(self, name)
            if rows is not None and (rows.ndim != 2 or rows.shape[1] != d):
                raise InvalidUpdates(f"`{name}` must have shape [{letter}, {d}] as `own` has; found {list(rows.shape)}")
        for name in ("clients", "examples"):
            if len(getattr(self, name)) != c:
                raise InvalidUpdates(f"`{name}` must have {c} entries as `own` has; found {len(getattr(self, name))}")

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

    def seen(self, knowledge: Knowledge) -> Updates:
        """The honest rows that an attack with this knowledge judges by: under full knowledge the honest clients' rows.

        Under partial knowledge, and where no honest client has answered, they are those of the attack's own clients.
        Raises as `others` does.
        """
        return self.own if knowledge == "partial" or len(self.others) == 0 else self.others

    @property
    def boost(self) -> float:
        """By what an update is multiplied for the mean of all that the server averages to move by it, at least 1."""
        return max(1.0, self.received / self.attackers)

    @property
    def everyone(self) -> Updates:
        """The before-attack updates of all clients, the compromised ones first. Raises as `others` does."""
        return torch.cat([self.own, self.others])


def _numbered(clients: Sequence[ClientId] | None, rows: Updates | None, start: int) -> tuple[ClientId, ...]:
    """Whose rows these are; where nobody says so or there are other rows by now, they are numbered from `start`."""
    many = len(rows) if rows is not None and rows.ndim else 0
    return tuple(clients if clients is not None and len(clients) == many else range(start, start + many))
