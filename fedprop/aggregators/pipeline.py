"""Stages that change the rows before a rule sees them, and their composition by `>>`."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple, overload

import torch
from numpy.typing import NDArray
from pydantic import SerializeAsAny
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort, RowConsumer, given_rows
from fedprop.aggregators.columns import Columns, Rows, fill, map_blocks
from fedprop.aggregators.contract import Contract
from fedprop.answers import check_answer, described
from fedprop.errors import WrongAnswer
from fedprop.forms import Given
from fedprop.types import Updates, Vector


class Staged(NamedTuple):
    """What a stage answers: the new rows and the matrix that made them, new rows = mixing @ rows.

    The new rows are a tensor or, better, columns worked out as they are read: then there is no second matrix in memory.
    """

    updates: Rows
    mixing: Tensor


class Stage(RowConsumer):
    """Base of all stages. `stage >> rule` is a rule; `stage >> other_stage` is a stage.

    A new stage defines `apply`, and `carry` if some of a rule's claims survive it.
    """

    @overload
    def __call__(self, updates: Tensor | Columns | Sequence[Tensor]) -> Updates: ...
    @overload
    def __call__(self, updates: NDArray[Any] | Sequence[NDArray[Any]]) -> NDArray[Any]: ...
    def __call__(self, updates: Given | Columns) -> Any:
        """The new rows for rows [n, d], as a matrix of the same kind and dtype; the input is left untouched.

        It takes what an aggregator's call takes, and raises as that does.
        """
        rows, form = given_rows(updates, type(self).__name__)
        self.check(rows)
        return form.of(_in_memory(self.answer(rows).updates))

    def answer(self, updates: Rows) -> Staged:
        """What `apply` answers, looked at; for all who ask it, chains and pipelines included.

        Raises
        ------
        WrongAnswer
            If that is no Staged of as many rows as before, like them, and their mixing in float64.
        """
        found: object = self.apply(updates)
        name, n = f"the stage {type(self).__name__}", len(updates)
        if not isinstance(found, Staged):
            raise WrongAnswer(f"{name} must answer with Staged(updates, mixing); found {described(found)}")
        shape, dtype, device = tuple(updates.shape), updates.dtype, updates.device
        check_answer(name, "updates", found.updates, shape=shape, dtype=dtype, device=device, form=Columns)
        check_answer(name, "mixing", found.mixing, shape=(n, n), dtype=torch.float64, device=device)
        return found

    @abstractmethod
    def apply(self, updates: Rows) -> Staged:
        """The stage itself, on rows already checked; `mixing` [n, n] is in float64."""

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
        if isinstance(after, Stage):
            return Chain(stages=(*self.parts, *after.parts))
        if isinstance(after, Pipeline):
            return Pipeline(stages=(*self.parts, *after.stages), rule=after.rule)
        return Pipeline(stages=self.parts, rule=after)


class Chain(Stage):
    """Several stages, one after the other, still waiting for a rule."""

    kind: Literal["chain"] = "chain"
    stages: tuple[SerializeAsAny[Stage], ...]

    @property
    def asks(self) -> frozenset[str]:
        return frozenset[str]().union(*(stage.asks for stage in self.stages))

    @property
    def min_rows(self) -> int:
        return max(stage.min_rows for stage in self.stages)

    @property
    def parts(self) -> tuple[Stage, ...]:
        return self.stages

    def check_form(self, updates: Tensor | Columns) -> None:
        for stage in self.stages:
            stage.check_form(updates)

    def apply(self, updates: Rows) -> Staged:
        updates, mixing = self.stages[0].answer(updates)
        for stage in self.stages[1:]:
            updates, further = stage.answer(updates)
            mixing = further @ mixing
        return Staged(updates, mixing)

    def carry(self, contract: Contract) -> Contract:
        for stage in reversed(self.stages):
            contract = stage.carry(contract)
        return contract


class Pipeline(Aggregator):
    """A rule behind one stage or more; written `stage >> ... >> rule`, and as a list in a configuration."""

    reads_columns: ClassVar[bool] = True

    kind: Literal["pipeline"] = "pipeline"
    stages: tuple[SerializeAsAny[Stage], ...]
    rule: SerializeAsAny[Aggregator]

    @property
    def needs_root(self) -> bool:
        return self.rule.needs_root

    @property
    def asks(self) -> frozenset[str]:
        return self._chain.asks | self.rule.asks

    @property
    def min_rows(self) -> int:
        return max(part.min_rows for part in (*self.stages, self.rule))

    def requirement(self) -> str:
        return max((*self.stages, self.rule), key=lambda part: part.min_rows).requirement()

    def init(self) -> Any:
        return self.rule.init()

    def contract(self) -> Contract:
        return self._chain.carry(self.rule.contract())

    def check_form(self, updates: Tensor | Columns) -> None:
        for part in (*self.stages, self.rule):
            part.check_form(updates)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        updates, mixing = self._staged(cohort.updates)
        value, weights, state = self.rule.answer(cohort.with_updates(updates), state)
        return Aggregation(value, (weights.double() @ mixing).to(value.dtype), state)

    def value(self, updates: Rows) -> Vector:
        return self.rule.value(self._staged(updates).updates)

    def _staged(self, updates: Rows) -> Staged:
        """The rows that the rule is to see, in a form that it can read, and the matrix that made them."""
        staged = self._chain.apply(updates)
        return staged if self.rule.reads_columns else Staged(_in_memory(staged.updates), staged.mixing)

    @property
    def _chain(self) -> Chain:
        return Chain(stages=self.stages)


def _in_memory(rows: Rows) -> Updates:
    """The rows as a tensor."""
    if isinstance(rows, Tensor):
        return rows
    return fill(torch.empty(rows.shape, dtype=rows.dtype, device=rows.device), map_blocks(lambda block: block, rows))
