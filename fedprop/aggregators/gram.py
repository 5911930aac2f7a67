"""Rules that see only inner products: one pass over the data, then everything happens on n by n numbers."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import mix
from fedprop.aggregators.filtered import only
from fedprop.aggregators.rescaled import Rescaled
from fedprop.aggregators.views import Seen, all_finite, seen
from fedprop.types import Gram, Weights


class Judged(NamedTuple):
    """What a rule makes of inner products.

    Attributes
    ----------
    weights : the weight [m], in float64, of each row in the aggregate; of rows beside the clients' it may be left out.
    state : the rule's next state.
    shares : what the full form tells as the weight [n] of each client's row, where that is something else.
    """

    weights: Weights
    state: Any = None
    shares: Weights | None = None


class FramedRule(Aggregator):
    """Base of the rules that turn inner products into weights, and say themselves whose: a frame, a state, or both.

    `frame` says how the rows are seen: from where, as sums with what is remembered of their senders, or with rows of
    the rule's own after those of the clients. One pass makes their inner products; `judge` turns these into weights
    and the next state. A rule that needs neither a frame nor a state is a `GramRule`.

    Attributes
    ----------
    mixes_seen : the weights are those of the rows as they are seen (from elsewhere, giants shrunk); otherwise of the
        rows as they were sent.
    """

    looks_at: ClassVar[str] = "inner products"
    cost: ClassVar[str] = "n^2 d"
    reads_columns: ClassVar[bool] = True
    sees_not_finite: ClassVar[bool] = True
    mixes_seen: ClassVar[bool] = False

    def frame(self, cohort: Cohort, state: Any) -> Seen:
        """The rows [m, d] to compare and their inner products [m, m]; those of the clients from a centre among them."""
        return seen(cohort.updates, self)

    @abstractmethod
    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        """What each row counts, and the next state; the state handed in is left as it was."""

    def viewed(self, cohort: Cohort, state: Any) -> Seen:
        """What `frame` shows; rows with NaN or infinity are refused."""
        view = self.frame(cohort, state)
        # A row in a unit of its own is finite however long it was.
        if isinstance(view.rows, Rescaled) or not all_finite(view.gram.diagonal()):
            self.check_numbers(cohort.updates)
        return view

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        view, n = self.viewed(cohort, state), len(cohort.updates)
        judged = self.judge(view, cohort, state)
        if self.mixes_seen:
            value, weights = view.mixture(judged.weights)
        else:
            value, weights = mix(judged.weights[None, :n], cohort.updates)[0], judged.weights
        shares = weights[:n] if judged.shares is None else judged.shares
        dtype = cohort.updates.dtype
        return Aggregation(value.to(dtype), shares.to(dtype), judged.state)


class GramRule(FramedRule):
    """Base of the rules that turn inner products into one weight per row; the aggregate is weights @ rows.

    n by n numbers are worked on in main memory, wherever the rows are: a GPU would have to be waited for at every look.
    """

    @abstractmethod
    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        """The weight [n], in float64, of each row, given the centred inner products [n, n], both in main memory."""

    def judge(self, view: Seen, cohort: Cohort, state: Any) -> Judged:
        return Judged(self.weigh(view.gram.cpu(), cohort).to(view.gram.device), state)

    def weighing(self, cohort: Cohort) -> Callable[[Sequence[int]], Weights] | None:
        view = self.viewed(cohort, None)
        if view.rows is not cohort.updates:
            return None  # another unit, or shrunk giants: some rows alone may be seen otherwise
        gram = view.gram.cpu()
        return lambda some: self.weigh(gram[some][:, some], only(cohort, some)).to(view.gram.device)
