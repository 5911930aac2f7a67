"""What every aggregator is: a frozen value with a pure call."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, overload

import torch
from numpy.typing import NDArray
from torch import Tensor

from fedprop.aggregators.cohort import Cohort, given_rows
from fedprop.aggregators.columns import Columns, Rows, in_memory, map_blocks
from fedprop.aggregators.contract import Contract
from fedprop.answers import check_answer, described
from fedprop.errors import InvalidUpdates, TooFewUpdates, WrongAnswer
from fedprop.forms import Given
from fedprop.types import Kind, Updates, Vector, Weights

EXAMPLE_F = (0, 1, 2)
"""Numbers of Byzantine rows that examples of rules are set to tolerate: none, one, and more than one."""


class Aggregation(NamedTuple):
    """What a rule answers: the aggregate [d], the weight of each row [n], and the rule's next state.

    The value has the dtype and device of the rows; the weights are floating-point numbers on that device.
    """

    value: Vector
    weights: Weights
    state: Any = None


class RowConsumer(Kind, ABC):
    """What rules and stages share: a `kind`, a least number of rows, and the refusal of anything else.

    Attributes
    ----------
    sees_not_finite : NaN and infinity show in what the rule works out of all rows anyway, and when they do it calls
        `check_numbers`; so nobody needs to look for them before.
    looks_at : what decides about its answer, in a word or two.
    cost : how its work grows with n rows of d numbers each.
    remembers : an answer may depend on earlier rounds.
    reads_columns : it looks at its rows through `map_blocks`, `column_blocks`, `take` and `mix` alone. So it takes rows
        that are not in memory, and stages hand it rows worked out block by block; others get tensors.
    """

    sees_not_finite: ClassVar[bool] = False
    looks_at: ClassVar[str] = "rows"
    cost: ClassVar[str] = "n d"
    remembers: ClassVar[bool] = False
    reads_columns: ClassVar[bool] = False

    @classmethod
    def examples(cls) -> tuple["RowConsumer", ...]:
        """Configurations worth trying: set to tolerate no row, one and two, where `f` alone is to be set."""
        wanted = [name for name, field in cls.model_fields.items() if field.is_required()]
        return tuple(cls.model_validate({"f": f}) for f in EXAMPLE_F) if wanted == ["f"] else super().examples()

    @property
    def asks(self) -> frozenset[str]:
        """What of `Cohort` it reads beside the rows, by name; nothing unless it says so.

        `model`, `round`, `generator` and `classifier` are attributes of the cohort; `losses`, `accuracies`,
        `reference` and `rehearsals` are methods of its `server_side`, for which the server must hold examples of its
        own. Whoever makes the cohort gives what is asked for.
        """
        return frozenset()

    @property
    def needs_rounds(self) -> str:
        """Why its rows must be those of one round, which all started from one model, in a sentence; empty if not.

        Where that is said, an asynchronous policy is refused with it.
        """
        return ""

    @property
    def by_direction(self) -> bool:
        """Whether each row may be multiplied by a positive number of its own and no row matters more or less for it.

        A rule then answers the same, and a stage leaves the same rows, up to such numbers. How a policy discounts stale
        rows would then have no effect, and settings that do so are refused.
        """
        return False

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

    def readable(self, rows: Rows) -> Rows:
        """Rows that whoever stands before it hands on, as it takes them: a tensor, unless it `reads_columns`."""
        return rows if self.reads_columns else in_memory(rows)

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
    # A GPU has to be waited for after each block, so there it is one.
    found = map_blocks(_not_finite, updates, updates.shape[1] if updates.is_cuda else None)
    bad = [rows for rows in found if rows is not None]
    return torch.stack(bad).any(dim=0).nonzero().flatten().tolist() if bad else []


def _not_finite(block: Tensor) -> Tensor | None:
    """Which rows hold NaN or infinity; None if no row does."""
    # A sum of finite numbers may overflow, but one with NaN or infinity in it is never finite.
    return None if torch.isfinite(block.sum()) else ~torch.isfinite(block).all(dim=1)


class Aggregator(RowConsumer):
    """Base of all rules. `rule(updates)` is tensor in, tensor out; `rule.aggregate` is the full form.

    Rows may be a tensor, a NumPy array, or a list of vectors that are either, in float64, float32 or, computed in
    float32, half precision; the answer is of the same kind and dtype. Rules do not differentiate: rows may require
    gradients, answers never do.

    A new rule defines `combine`, and `contract` if it has claims that `fedprop.properties` should attack.
    """

    def init(self) -> Any:
        """The state before the first aggregation; None for a rule without memory."""
        return None

    def contract(self) -> Contract:
        """What the rule claims; nothing unless a rule says so."""
        return Contract()

    @overload
    def __call__(self, updates: Tensor | Columns | Sequence[Tensor]) -> Vector: ...
    @overload
    def __call__(self, updates: NDArray[Any] | Sequence[NDArray[Any]]) -> NDArray[Any]: ...
    def __call__(self, updates: Given | Columns) -> Any:
        """Aggregate rows [n, d] into one vector [d] of the same kind, dtype and device; the input is left untouched.

        Rows larger than memory come as a source of columns, such as `SafetensorsRows`.

        >>> import numpy as np
        >>> from fedprop.aggregators import Median
        >>> Median()([np.array([1.0, 5.0]), np.array([2.0, 7.0]), np.array([9.0, 6.0])])
        array([2., 6.])

        Raises
        ------
        TooFewUpdates
            If there are fewer rows than the rule's tolerance needs.
        InvalidUpdates
            If `updates` is no matrix of floats, or holds NaN or infinity.
        WrongAnswer
            If the rule itself, one of your own, answers with anything but a vector [d] like the rows.
        """
        rows, form = given_rows(updates, type(self).__name__)
        self.check(rows)
        value = self.value(rows)
        self._check_value(value, rows)
        return form.of(value)

    def check_form(self, updates: Tensor | Columns) -> None:
        if isinstance(updates, Columns) and not self.reads_columns:
            name, found = type(self).__name__, type(updates).__name__
            raise InvalidUpdates(f"`updates` must be a tensor for {name}, which does not read columns; found {found}")
        super().check_form(updates)

    def aggregate(self, cohort: Cohort | Given | Columns, state: Any = None) -> Aggregation:
        """The full form: the aggregate, each row's weight, and the next state. Raises as `__call__` does.

        Aggregate and weights are of the kind and dtype of the rows; the state is the rule's own affair.
        """
        if isinstance(cohort, Cohort):
            self.check(cohort.updates)
            whole, form = cohort, cohort.form
        else:
            rows, form = given_rows(cohort, type(self).__name__)
            self.check(rows)
            whole = Cohort(rows)
        found = self.answer(whole, self.init() if state is None else state)
        return found._replace(value=form.of(found.value), weights=form.of(found.weights))

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

    def value_for(self, cohort: Cohort, state: Any) -> Vector:
        """The aggregate that `answer` gives; of a rule that looks at rows alone it is `value` of these."""
        return self.answer(cohort, state).value

    def weighing(self, cohort: Cohort) -> Callable[[Sequence[int]], Weights] | None:
        """How to weigh some of the rows, which are given by index, as a cohort of their own.

        For a rule without a state whose answer is the sum of the weights [k] times those k rows, so that many parts of
        one cohort can be answered at once. None, unless a rule says so: it is asked as any cohort is then.
        """
        return None

    def leaving_out(self, cohort: Cohort) -> Callable[[Sequence[int]], Updates] | None:
        """How to aggregate all rows but one, for each of some rows [k], which are given by index, to k aggregates.

        For a rule without a state that has more in common with the same rows less one than weights can tell. None,
        unless a rule says so.
        """
        return None

    def _check_value(self, value: object, rows: Rows) -> None:
        check_answer(self._name, "a value", value, shape=tuple(rows.shape[1:]), dtype=rows.dtype, device=rows.device)

    @property
    def _name(self) -> str:
        return f"the rule {type(self).__name__}"
