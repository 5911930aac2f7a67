"""Postprocessors: what becomes of an aggregate before the global model takes it."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import in_memory
from fedprop.aggregators.contract import Contract
from fedprop.answers import check_answer, described
from fedprop.errors import WrongAnswer
from fedprop.settings.kind import Kind

if TYPE_CHECKING:
    from fedprop.aggregators.pipeline import Pipeline


class Postprocessor(Kind, ABC):
    """Base of all that comes after a rule. `rule >> postprocessor` is a rule.

    A new one defines `apply`; `asks` if it needs the model, the round or random numbers; `init` if it has memory; and
    `carry` if some of a rule's claims survive it.

    Attributes
    ----------
    reads_columns : whether it takes the rows of a cohort as a source of columns too, or does not look at them; else it
        is handed a tensor.
    """

    reads_columns: ClassVar[bool] = False

    @property
    def asks(self) -> frozenset[str]:
        """What of `Cohort` it reads beside the rows, by name, as `Aggregator.asks` says; nothing unless it says so."""
        return frozenset()

    @property
    def needs_rounds(self) -> str:
        """Why aggregates must be those of rounds, as `Aggregator.needs_rounds` says; empty unless it says so."""
        return ""

    def init(self) -> Any:
        """The state before the first round; None for one without memory."""
        return None

    def answer(self, found: Aggregation, cohort: Cohort, state: Any) -> Aggregation:
        """What `apply` answers, looked at.

        Raises
        ------
        WrongAnswer
            If that is no Aggregation like the one before, with a weight for each row.
        """
        seen = cohort if self.reads_columns else cohort.with_updates(in_memory(cohort.updates))
        new: object = self.apply(found, seen, state)
        name = f"the postprocessor {type(self).__name__}"
        if not isinstance(new, Aggregation):
            raise WrongAnswer(f"{name} must answer with Aggregation(value, weights); found {described(new)}")
        value, weights = found.value, found.weights
        check_answer(name, "a value", new.value, shape=tuple(value.shape), dtype=value.dtype, device=value.device)
        check_answer(name, "weights", new.weights, shape=tuple(weights.shape), dtype=None, device=weights.device)
        return new

    @abstractmethod
    def apply(self, found: Aggregation, cohort: Cohort, state: Any) -> Aggregation:
        """The postprocessor itself.

        It gets the aggregate [d] and the weight [n] of each row, the cohort as it was sent, and its own state, and
        answers with the next of each. `found.state` is the rule's own affair.
        """

    def carry(self, contract: Contract) -> Contract:
        """What a rule with this contract can claim if this comes after it; nothing unless a postprocessor says so."""
        return Contract()

    def __rrshift__(self, rule: Aggregator) -> "Pipeline":
        from fedprop.aggregators.pipeline import Pipeline  # which is made of these, and so imports this module

        return Pipeline.of(rule).before(self) if isinstance(rule, Aggregator) else NotImplemented


def standard_normal(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Standard normal noise [d]; drawn on the CPU in single precision, whatever device and dtype get it."""
    return torch.randn(like.shape, generator=generator).to(like)
