"""A rule with what comes before it and after it: `stage >> ... >> rule >> postprocessor >> ...`."""

from typing import Any, ClassVar, Literal

from pydantic import SerializeAsAny

from fedprop.aggregators.base import Aggregation, Aggregator, RowConsumer
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.stage import Chain, Stage, requirement, shortage
from fedprop.aggregators.states import joined, split


class Pipeline(Aggregator):
    """A rule between stages and postprocessors; written with `>>`, and as a list in a configuration.

    Its state is that of its parts: None if none of them has one, or else those of the stages, the rule and the
    postprocessors.
    """

    reads_columns: ClassVar[bool] = True

    kind: Literal["pipeline"] = "pipeline"
    stages: tuple[SerializeAsAny[Stage], ...] = ()
    rule: SerializeAsAny[Aggregator]
    after: tuple[SerializeAsAny[Postprocessor], ...] = ()

    @classmethod
    def of(cls, rule: Aggregator) -> "Pipeline":
        """The rule as a pipeline, if it is none yet."""
        return rule if isinstance(rule, Pipeline) else cls(rule=rule)

    def behind(self, stages: tuple[Stage, ...]) -> "Pipeline":
        """The same with these stages before everything else."""
        return Pipeline(stages=(*stages, *self.stages), rule=self.rule, after=self.after)

    def before(self, after: Postprocessor) -> "Pipeline":
        """The same with this after everything else."""
        return Pipeline(stages=self.stages, rule=self.rule, after=(*self.after, after))

    @property
    def parts(self) -> tuple[Stage | Aggregator | Postprocessor, ...]:
        """Everything it is made of, in order."""
        return (*self.stages, self.rule, *self.after)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset[str]().union(*(part.asks for part in self.parts))

    @property
    def by_direction(self) -> bool:
        return all(part.by_direction for part in self._row_parts)

    @property
    def min_rows(self) -> int:
        return self._chain.rows_needed(self.rule.min_rows)

    def requirement(self) -> str:
        return requirement(self._row_parts)

    def too_few(self, n: int) -> str:
        return shortage(self._row_parts, n)

    def init(self) -> Any:
        return joined((self._chain.init(), self.rule.init(), joined(part.init() for part in self.after)))

    def contract(self) -> Contract:
        contract = self._chain.carry(self.rule.contract())
        for part in self.after:
            contract = part.carry(contract)
        return contract

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        before, own, later = (None, None, None) if state is None else state
        staged = self._chain.apply(cohort, before)
        # A rule may know of tensors only, and a stage may have left fewer rows than it needs.
        rows = self.rule.readable(staged.updates)
        self.rule.check_form(rows)
        own = self.rule.init() if own is None else own
        value, weights, own = self.rule.answer(staged.cohort.with_updates(rows), own)
        found = Aggregation(value, (weights.double() @ staged.mixing).to(value.dtype))
        found = self._finished(found, cohort, later)
        return found._replace(state=joined((staged.state, own, found.state)))

    def _finished(self, found: Aggregation, cohort: Cohort, state: Any) -> Aggregation:
        """What the postprocessors make of the rule's answer, with what they remember from now on."""
        states = []
        for part, own in zip(self.after, split(state, self.after), strict=True):
            found = part.answer(found, cohort, own)
            states.append(found.state)
        return found._replace(state=joined(states))

    @property
    def _row_parts(self) -> tuple[RowConsumer, ...]:
        """The parts that take rows."""
        return (*self.stages, self.rule)

    @property
    def _chain(self) -> Chain:
        return Chain(stages=self.stages)
