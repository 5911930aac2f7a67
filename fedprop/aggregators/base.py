"""What every aggregator is: a frozen value with a pure call."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.columns import Columns, Rows, map_blocks
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.server_side import ServerSide
from fedprop.answers import check_answer, described
from fedprop.errors import InvalidUpdates, TooFewUpdates, WrongAnswer
from fedprop.types import ClientId, Frozen, Vector, Weights


@dataclass(frozen=True)
class Cohort:
    """The updates of one aggregation and what the server knows about each row.

    Attributes
    ----------
    updates : rows [n, d], a tensor or a source of columns.
    clients : who sent each row; memory is keyed by these, never by position.
    examples : how many training examples each sender claims.
    staleness : how many versions behind the current one each row started.
    server : what the server's own examples can tell, for rules that need them (`needs_root`).
    """

    updates: Rows
    clients: tuple[ClientId, ...] = field(default=())
    examples: tuple[int, ...] = field(default=())
    staleness: tuple[int, ...] = field(default=())
    server: ServerSide | None = None

    def __post_init__(self) -> None:
        n = len(self.updates)
        for name, default in (("clients", tuple(range(n))), ("examples", (1,) * n), ("staleness", (0,) * n)):
            given = getattr(self, name)
            if not given:
                object.__setattr__(self, name, default)
            elif len(given) != n:
                raise InvalidUpdates(f"`{name}` must have one entry for each of the {n} rows; found {len(given)}")

    @property
    def server_side(self) -> ServerSide:
        """`server`, for a rule that cannot do without it.

        Raises
        ------
        InvalidUpdates
            If the cohort came without one.
        """
        if self.server is None:
            raise InvalidUpdates(
                "`server` must be given with the cohort to a rule that needs root data, "
                "as in Cohort(rows, server=Reference(update)); found None"
            )
        return self.server

    def with_updates(self, updates: Rows) -> "Cohort":
        """The same senders with other rows, as a stage before the rule hands them on."""
        return replace(self, updates=updates)


class Aggregation(NamedTuple):
    """What a rule answers: the aggregate [d], the weight of each row [n], and the rule's next state.

    The value has the dtype and device of the rows; the weights are floating-point numbers on that device.
    """

    value: Vector
    weights: Weights
    state: Any = None


class RowConsumer(Frozen, ABC):
    """What rules and stages share: a `kind`, a least number of rows, and the refusal of anything else.

    Attributes
    ----------
    sees_not_finite : NaN and infinity show in what the rule works out of all rows anyway, and when they do it calls
        `check_numbers`; so nobody needs to look for them before.
    """

    sees_not_finite: ClassVar[bool] = False

    kind: str

    @property
    def min_rows(self) -> int:
        """The fewest rows accepted."""
        return 1

    def requirement(self) -> str:
        """The rule behind `min_rows`, as an error message states it."""
        return f"n >= {self.min_rows}"

    def too_few(self, n: int) -> str:
        """The sentence that refuses `n` rows."""
        f = getattr(self, "f", None)
        subject, found = ("updates", f"n={n}") if f is None else ("f", f"n={n}, f={f}")
        return f"`{subject}` must satisfy {self.requirement()} for {type(self).__name__}; found {found}"

    def check(self, updates: Tensor | Columns) -> None:
        """Refuse what nobody can aggregate, saying why. Raises as calling the rule does."""
        self.check_form(updates)
        if not self.sees_not_finite:
            self.check_numbers(updates)

    def check_numbers(self, updates: Rows) -> None:
        """Refuse a tensor with NaN or infinity, which takes a pass over it."""
        if isinstance(updates, Tensor) and (bad := _rows_not_finite(updates)):
            name = type(self).__name__
            raise InvalidUpdates(f"`updates` must be finite for {name}; found NaN or infinity in rows {bad[:8]}")

    def check_form(self, updates: Tensor | Columns) -> None:
        """As `check`, without a look at the numbers."""
        name = type(self).__name__
        if len(updates.shape) != 2 or updates.shape[1] == 0:
            raise InvalidUpdates(
                f"`updates` must have shape [n, d] with d >= 1 for {name}; found {list(updates.shape)}"
            )
        if updates.dtype not in (torch.float32, torch.float64):
            raise InvalidUpdates(f"`updates` must be float32 or float64 for {name}; found {updates.dtype}")
        if len(updates) < self.min_rows:
            raise TooFewUpdates(self.too_few(len(updates)))


def _rows_not_finite(updates: Tensor) -> list[int]:
    bad = torch.zeros(len(updates), dtype=torch.bool, device=updates.device)
    # A GPU has to be waited for after each block, so there it is one.
    for found in map_blocks(_not_finite, updates, updates.shape[1] if updates.is_cuda else None):
        if found is not None:
            bad |= found
    return bad.nonzero().flatten().tolist()


def _not_finite(block: Tensor) -> Tensor | None:
    """Which rows hold NaN or infinity; None if no row does."""
    # A sum of finite numbers may overflow, but one with NaN or infinity in it is never finite.
    return None if torch.isfinite(block.sum()) else ~torch.isfinite(block).all(dim=1)


class Aggregator(RowConsumer):
    """Base of all rules. `rule(updates)` is tensor in, tensor out; `rule.aggregate` is the full form.

    A new rule defines `combine`, and `contract` if it has claims that `fedprop.properties` should attack.

    Attributes
    ----------
    reads_columns : the rule looks at its rows through `map_blocks`, `column_blocks`, `take` and `mix` alone. So it
        takes rows that are not in memory, and stages hand it rows worked out block by block; others get tensors.
    """

    reads_columns: ClassVar[bool] = False

    @property
    def needs_root(self) -> bool:
        """Whether the rule asks `Cohort.server`, so that the server must hold examples of its own."""
        return False

    def init(self) -> Any:
        """The state before the first aggregation; None for a rule without memory."""
        return None

    def contract(self) -> Contract:
        """What the rule claims; nothing unless a rule says so."""
        return Contract()

    def __call__(self, updates: Tensor | Columns) -> Vector:
        """Aggregate rows [n, d] into one vector [d] of the same dtype and device; the input is left untouched.

        The rows are a tensor, or a source of columns such as `SafetensorsRows` for rows larger than memory.

        Raises
        ------
        TooFewUpdates
            If there are fewer rows than the rule's tolerance needs.
        InvalidUpdates
            If `updates` is not a float32 or float64 matrix, or holds NaN or infinity.
        WrongAnswer
            If the rule itself, one of your own, answers with anything but a vector [d] like the rows.
        """
        self.check(updates)
        value = self.value(updates)
        self._check_value(value, updates)
        return value

    def check_form(self, updates: Tensor | Columns) -> None:
        if isinstance(updates, Columns) and not self.reads_columns:
            name, found = type(self).__name__, type(updates).__name__
            raise InvalidUpdates(f"`updates` must be a tensor for {name}, which does not read columns; found {found}")
        super().check_form(updates)

    def aggregate(self, cohort: Cohort | Tensor | Columns, state: Any = None) -> Aggregation:
        """The full form: the aggregate, each row's weight, and the next state. Raises as `__call__` does."""
        self.check(cohort.updates if isinstance(cohort, Cohort) else cohort)
        cohort = cohort if isinstance(cohort, Cohort) else Cohort(cohort)
        return self.answer(cohort, self.init() if state is None else state)

    @abstractmethod
    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        """The rule itself, on rows already checked."""

    def answer(self, cohort: Cohort, state: Any) -> Aggregation:
        """What `combine` answers, looked at; for all who ask it, rules made of other rules included.

        Raises
        ------
        WrongAnswer
            If that is no Aggregation of one vector like the rows and one weight for each of them.
        """
        found: object = self.combine(cohort, state)
        if not isinstance(found, Aggregation):
            raise WrongAnswer(f"{self._name} must answer with Aggregation(value, weights); found {described(found)}")
        rows = cohort.updates
        self._check_value(found.value, rows)
        check_answer(self._name, "weights", found.weights, shape=(len(rows),), dtype=None, device=rows.device)
        return found

    def value(self, updates: Rows) -> Vector:
        """The aggregate alone, on rows already checked; a rule whose weights cost extra overrides it."""
        return self.answer(Cohort(updates), self.init()).value

    def _check_value(self, value: object, rows: Rows) -> None:
        check_answer(self._name, "a value", value, shape=tuple(rows.shape[1:]), dtype=rows.dtype, device=rows.device)

    @property
    def _name(self) -> str:
        return f"the rule {type(self).__name__}"
