"""Rules that ask the server, outside a simulation: the server's own update as a vector, or as one of the rows."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn

import torch
from numpy.typing import NDArray
from pydantic import SerializeAsAny
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.classifier import Logits
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, mix, take
from fedprop.aggregators.contract import Contract, Region, open_behind
from fedprop.aggregators.server_side import QuadraticSide, needs_examples
from fedprop.aggregators.told import TELLABLE, Told
from fedprop.errors import ServerUnknown
from fedprop.forms import taken
from fedprop.types import Updates, Vector

OF_THE_MODEL = frozenset({"model", "classifier"})
"""What of `Aggregator.asks` can be told by whoever has the global model."""


@dataclass(frozen=True, eq=False, init=False)
class Reference:
    """A server side that knows one thing: the `update` [d] that training on the server's own examples gave.

    For a training loop of your own: `FLTrust().aggregate(Cohort(rows, server=Reference(update)))`; an array, a tensor
    that requires gradients, or one in half precision will do. For rules that ask for `rehearsals`, the updates [k, d]
    that training on samples of these examples gave may be known, too.
    """

    update: Vector
    rehearsed: Updates | None

    def __init__(self, update: Tensor | NDArray[Any], *, rehearsed: Tensor | NDArray[Any] | None = None) -> None:
        object.__setattr__(self, "update", taken(update, "update", "a Reference")[0])
        known = None if rehearsed is None else taken(rehearsed, "rehearsed", "a Reference")[0]
        object.__setattr__(self, "rehearsed", known)

    def reference(self) -> Vector:
        """The update [d]."""
        return self.update

    def rehearsals(self, count: int) -> Updates:
        """The first updates of `rehearsed`. Raises `ServerUnknown` if there are fewer."""
        known = 0 if self.rehearsed is None else len(self.rehearsed)
        if self.rehearsed is None or known < count:
            raise ServerUnknown(
                f"`rehearsed` must hold {count} updates in a Reference that is asked for them; found {known}"
            )
        return self.rehearsed[:count]

    def accuracies(self, candidates: Updates) -> NoReturn:
        """Unknown. Raises `ServerUnknown`."""
        raise ServerUnknown("`server` must hold examples to measure an accuracy; found a Reference, which holds none")

    def losses(self, candidates: Updates) -> NoReturn:
        """Unknown. Raises `ServerUnknown`."""
        raise ServerUnknown("`server` must hold examples to measure a loss; found a Reference, which holds none")


WITHIN = (Region.ROW, Region.HULL, Region.BOX)
"""Where an answer stays if there is one more row. That the honest ones bound it cannot be said of the server's row."""


class Rooted(Aggregator):
    """A rule that asks what only a server knows, made one of rows alone: the first row [d] is all that it knows.

    It is the server's own update, the global model, the logits of that as a classifier (`Logits`), and the update of
    least loss of a server whose loss is quadratic (`QuadraticSide`), whichever the rule asks for. The round is the
    first, and its generator begins at seed 0.

    So whatever is asked of rules can be asked of this one too, with what the server knows drawn, scaled and rotated
    along with the rows; `fedprop verify` does so. Who stands in the first row matters; the order of the others does not
    where it does not for the rule.

    >>> from fedprop.aggregators import FLTrust
    >>> Rooted(rule=FLTrust())(torch.tensor([[2.0, 0.0], [0.5, 0.0], [-9.0, 0.0]]))
    tensor([2., 0.])
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["rooted"] = "rooted"
    rule: SerializeAsAny[Aggregator]

    @property
    def by_direction(self) -> bool:
        return self.rule.by_direction

    @property
    def min_rows(self) -> int:
        return self.rule.min_rows + 1

    def requirement(self) -> str:
        return f"n >= {self.min_rows}, the server's row included,"

    def init(self) -> Any:
        return self.rule.init()

    def contract(self) -> Contract:
        """What moves rows and reference together; claims that depend on who is a client are given up."""
        own = self.rule.contract()
        return Contract(
            permutation=own.permutation,
            fixed=1,
            scaling=own.scaling,
            orthogonal=own.orthogonal,
            idempotent=own.idempotent,
            # Whoever makes copies of rows makes some of the first one too.
            examples="ignored" if own.examples == "ignored" else None,
            linear=own.linear,
            lies_in=own.lies_in if own.lies_in in WITHIN else Region.ANYWHERE,
            ambiguous=open_behind(own, lambda rows: rows[1:]),
            precision=own.precision,
            smoothing=own.smoothing,
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        every = cohort.updates
        rows = every[1:] if isinstance(every, Tensor) else take(every, torch.arange(1, len(every)))
        rows = self.rule.readable(rows)
        self.rule.check_form(rows)
        clients = cohort.changed(
            updates=rows,
            clients=cohort.clients[1:],
            examples=cohort.examples[1:],
            staleness=cohort.staleness[1:],
            **told_by(_first(every)),
        )
        value, weights, state = self.rule.answer(clients, state)
        return Aggregation(value, torch.cat([weights.new_zeros(1), weights]), state)


def self_contained(rule: Aggregator) -> Aggregator:
    """The rule, or `Rooted` or `Told` of it if it cannot answer to rows alone."""
    if needs_examples(rule.asks) or not OF_THE_MODEL.isdisjoint(rule.asks):
        return Rooted(rule=rule)
    return Told(rule=rule) if rule.asks & TELLABLE else rule


def told_by(vector: Vector) -> dict[str, Any]:
    """What a cohort may be told beside its rows, by a server that knows nothing but this vector [d]; see `Rooted`."""
    draw = torch.Generator().manual_seed(0)
    told = {"model": vector, "round": 0, "generator": draw, "classifier": Logits(vector)}
    return {"server": QuadraticSide(vector), "told": told}


def _first(rows: Rows) -> Vector:
    """The first row, in memory."""
    chosen = torch.zeros(1, len(rows), dtype=torch.float64, device=rows.device)
    chosen[0, 0] = 1
    return mix(chosen, rows)[0]
