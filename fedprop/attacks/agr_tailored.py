"""The honest mean, pushed as far as the server's own rule lets it."""

from collections.abc import Callable
from typing import Literal, Self

from torch import Tensor

from fedprop.attacks.min_max import farthest
from fedprop.attacks.pushed_mean import PushedMean
from fedprop.attacks.rows import sendable
from fedprop.attacks.trials import Trials
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates


class AGRTailored(PushedMean):
    """The attack of Shejwalkar and Houmansadr that is tailored to the server's rule, or chain, which it asks.

    What is sent is b + gamma p, as `PushedMean` has it, with the strength that does best among those that the search
    tries:

    - `goal="deviation"`: the one with which the rule's answer is farthest from b. A strength succeeds if the answer is
      farther than with all strengths before it. Made for the trimmed mean and the median.
    - `goal="selection"`: the largest with which the rule still selects all crafted rows, that is, gives weight to each
      of them or to none but them (Krum selects one of rows that are equal).

    Under partial knowledge own rows stand in for the honest ones, with fewer crafted ones among them (`Trials`). A rule
    that refuses so few rows cannot be asked: it is treated as an unknown one, and Min-Max's bound decides.

    Attributes
    ----------
    goal : see above.
    threshold : as in `PushedMean`, but coarser than the 1e-5 of the paper's code, since each move asks the rule.

    Source: Shejwalkar and Houmansadr, "Manipulating the Byzantine", NDSS 2021, section IV-B and Algorithm 1.
    """

    kind: Literal["agr_tailored"] = "agr_tailored"
    goal: Literal["deviation", "selection"] = "deviation"
    threshold: Positive = 0.01

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="full", push="unit", goal="selection"))

    def allows(self, view: View, rows: Updates) -> Callable[[Tensor], bool]:
        """Whether the rule, asked about a row, answers as the goal wants it."""
        trials = Trials.of(view, self.knowledge)
        mean = sendable(rows.mean(dim=0), view.own)
        if trials.deviation(mean) is None:
            return farthest(rows)
        if self.goal == "selection":
            return lambda row: trials.selected(row) is True
        most = 0.0

        def farther(row: Tensor) -> bool:
            nonlocal most
            found = trials.deviation(row) or 0.0
            before, most = most, max(most, found)
            return found > before

        return farther
