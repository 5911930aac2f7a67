"""Stages: what becomes of a round's rows before a rule sees them."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, overload

import torch
from numpy.typing import NDArray
from pydantic import SerializeAsAny
from torch import Tensor

from fedprop.aggregators.base import Aggregator, RowConsumer
from fedprop.aggregators.cohort import Cohort, given_rows
from fedprop.aggregators.columns import Columns, Rows, in_memory
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.states import joined, split
from fedprop.answers import check_answer, described
from fedprop.errors import InvalidUpdates, WrongAnswer
from fedprop.forms import Given
from fedprop.types import Updates

if TYPE_CHECKING:
    from fedprop.aggregators.pipeline import Pipeline


class Staged(NamedTuple):
    """What a stage answers.

    Attributes
    ----------
    cohort : the new rows, k of them, and who sent them. The rows are a tensor or, better, columns worked out as they
        are read: then there is no second matrix in memory.
    mixing : [k, n] in float64, how much of each old row is in each new one; where nothing else is, new rows =
        mixing @ rows. Through it the weights of the new rows become weights of the old ones.
    state : what the stage remembers from now on.
    measured : a number for each of the old rows [n], by which it decided about them, for the record; None for nothing.
    """

    cohort: Cohort
    mixing: Tensor
    state: Any = None
    measured: Tensor | None = None

    @property
    def updates(self) -> Rows:
        """The new rows [k, d]."""
        return self.cohort.updates


class Stage(RowConsumer):
    """Base of all stages. `stage >> rule` is a rule; `stage >> other_stage` is a stage.

    A new stage defines `apply`; `init` if it has memory; `rows_needed` if fewer rows may leave it than come; and
    `carry` if some of a rule's claims survive it.
    """

    @overload
    def __call__(self, updates: Tensor | Columns | Sequence[Tensor]) -> Updates: ...
    @overload
    def __call__(self, updates: NDArray[Any] | Sequence[NDArray[Any]]) -> NDArray[Any]: ...
    def __call__(self, updates: Given | Columns) -> Any:
        """The new rows for rows [n, d], as a matrix of the same kind and dtype; the input is left untouched.

        It takes what an aggregator's call takes, and raises as that does; a stage with memory begins anew.
        """
        rows, form = given_rows(updates, type(self).__name__)
        self.check(rows)
        return form.of(in_memory(self.answer(Cohort(rows), self.init()).updates))

    def init(self) -> Any:
        """The state before the first round; None for a stage without memory."""
        return None

    def rows_needed(self, rows: int) -> int:
        """The fewest rows of which so many can be left for what comes behind the stage."""
        return max(rows, self.min_rows)

    def answer(self, cohort: Cohort, state: Any) -> Staged:
        """What `apply` answers, looked at; for all who ask it, chains and pipelines included.

        Raises
        ------
        InvalidUpdates
            If no row is left.
        WrongAnswer
            If that is no Staged of rows like those before, one sender for each, and their mixing in float64.
        """
        rows = self.readable(cohort.updates)
        found: object = self.apply(cohort if rows is cohort.updates else cohort.with_updates(rows), state)
        name = f"the stage {type(self).__name__}"
        if not isinstance(found, Staged) or not isinstance(found.cohort, Cohort):
            raise WrongAnswer(f"{name} must answer with Staged(cohort, mixing); found {described(found)}")
        new, device = found.updates, rows.device
        k = len(new)
        check_answer(name, "updates", new, shape=(k, *rows.shape[1:]), dtype=rows.dtype, device=device, form=Columns)
        if k == 0:
            raise InvalidUpdates(f"{name} must leave a row for what comes behind it; found none of {len(rows)} left")
        check_answer(name, "mixing", found.mixing, shape=(k, len(rows)), dtype=torch.float64, device=device)
        if found.measured is not None:
            check_answer(name, "measured", found.measured, shape=(len(rows),), dtype=None, device=device)
        if len(found.cohort.clients) != k:
            raise WrongAnswer(f"{name} must name a sender for each of {k} rows; found {len(found.cohort.clients)}")
        return found

    @abstractmethod
    def apply(self, cohort: Cohort, state: Any) -> Staged:
        """The stage itself, on a cohort whose rows are checked already: a tensor, unless it `reads_columns`."""

    def carry(self, contract: Contract) -> Contract:
        """What a rule with this contract can claim if the stage runs before it; nothing unless a stage says so."""
        return Contract()

    @property
    def parts(self) -> "tuple[Stage, ...]":
        """The single stages that this one is made of."""
        return (self,)

    @overload
    def __rshift__(self, after: "Stage") -> "Chain": ...
    @overload
    def __rshift__(self, after: Aggregator) -> "Pipeline": ...
    def __rshift__(self, after: "Stage | Aggregator") -> "Chain | Pipeline":
        from fedprop.aggregators.pipeline import Pipeline  # which is made of stages, and so imports this module

        if isinstance(after, Stage):
            return Chain(stages=(*self.parts, *after.parts))
        return Pipeline.of(after).behind(self.parts) if isinstance(after, Aggregator) else NotImplemented


class Chain(Stage):
    """Several stages, one after the other, still waiting for a rule. Its state is that of its stages."""

    reads_columns: ClassVar[bool] = True

    kind: Literal["chain"] = "chain"
    stages: tuple[SerializeAsAny[Stage], ...]

    @property
    def asks(self) -> frozenset[str]:
        return frozenset[str]().union(*(stage.asks for stage in self.stages))

    @property
    def by_direction(self) -> bool:
        return all(stage.by_direction for stage in self.stages)

    @property
    def min_rows(self) -> int:
        return self.rows_needed(1)

    def requirement(self) -> str:
        return requirement(self.stages)

    def too_few(self, n: int) -> str:
        return shortage(self.stages, n)

    def rows_needed(self, rows: int) -> int:
        for stage in reversed(self.stages):
            rows = stage.rows_needed(rows)
        return rows

    @property
    def parts(self) -> tuple[Stage, ...]:
        return self.stages

    def init(self) -> Any:
        return joined(stage.init() for stage in self.stages)

    def apply(self, cohort: Cohort, state: Any) -> Staged:
        mixing, states = None, []
        for stage, before in zip(self.stages, split(state, self.stages), strict=True):
            stage.check_form(cohort.updates)
            staged = stage.answer(cohort, before)
            mixing = staged.mixing if mixing is None else staged.mixing @ mixing
            cohort = staged.cohort
            states.append(staged.state)
        if mixing is None:
            mixing = torch.eye(len(cohort.updates), dtype=torch.float64, device=cohort.updates.device)
        return Staged(cohort, mixing, joined(states))

    def carry(self, contract: Contract) -> Contract:
        for stage in reversed(self.stages):
            contract = stage.carry(contract)
        return contract


def needs(parts: Sequence[RowConsumer]) -> Iterator[tuple[RowConsumer, int]]:
    """Each of some parts in a row, all stages but the last, with how many rows must be sent for it to have enough."""
    for place, part in enumerate(parts):
        rows = part.min_rows
        for stage in reversed(parts[:place]):
            rows = stage.rows_needed(rows) if isinstance(stage, Stage) else rows
        yield part, rows


def requirement(parts: Sequence[RowConsumer]) -> str:
    """The rule behind `min_rows` of parts in a row."""
    part, rows = max(needs(parts), key=lambda need: need[1])
    return part.requirement() if rows == part.min_rows else f"n >= {rows}, to leave {part.requirement()},"


def shortage(parts: Sequence[RowConsumer], n: int) -> str:
    """The sentence that refuses `n` rows, which the first of these parts in a row lacks."""
    part, rows = next(need for need in needs(parts) if need[1] > n)
    if rows == part.min_rows:
        return part.too_few(n)
    before = " >> ".join(type(stage).__name__ for stage in parts[: parts.index(part)])
    return (
        f"`updates` must satisfy n >= {rows} for {type(part).__name__}, which needs {part.requirement()} "
        f"of what {before} leaves; found n={n}"
    )
