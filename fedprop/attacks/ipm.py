"""Inner product manipulation: the honest mean, turned round."""

from typing import Literal, Self

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.trials import Trials, highest
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Positive, Updates

STEP, SHRINK, EVALUATIONS = 10.0, 0.8, 20
"""The line search of the library ByzFL: its first move, by what moves shrink, and how often it asks the rule."""


class IPM(Attack):
    """Inner product manipulation: every compromised client sends -epsilon times the mean of the honest updates.

    A mean of n updates, m of them crafted, then is ((n - m) - m epsilon) / n times the honest mean: it points against
    it if and only if epsilon > (n - m) / m. Rules that discard what is far are met by a small epsilon (the paper has
    0.1 and 0.5), averages and medians by a large one (10 or 100).

    Attributes
    ----------
    knowledge : whose updates the mean is of: the honest clients' (`full`, as the paper has it), or those of the
        attack's own clients (`partial`).
    epsilon : the factor.
    search : whether to look for the epsilon with which the answer of the server's rule is farthest from the honest
        mean, by 20 questions to it (`highest`); where the rule refuses such rows, the factor is `epsilon`.

    Source: reconstructed from Xie, Koyejo and Gupta, "Fall of Empires: Breaking Byzantine-tolerant SGD by Inner Product
    Manipulation", UAI 2020; the search is that of the library ByzFL.

    Example: with honest updates (1, 2) and (3, -2), `IPM(epsilon=0.5)` sends (-1, 0).
    """

    kind: Literal["ipm"] = "ipm"
    knowledge: Knowledge = "full"
    epsilon: Positive = 0.5
    search: bool = False

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="partial", search=True))

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal.

        Raises
        ------
            If `knowledge` is `full` and the view hides the honest updates.
        """
        if len(view.own) == 0:
            return view.own
        mean = view.seen(self.knowledge).double().mean(dim=0)
        epsilon = self.epsilon
        if self.search:
            trials = Trials.of(view, self.knowledge)
            best = highest(lambda e: trials.deviation(-e * mean), step=STEP, shrink=SHRINK, trials=EVALUATIONS)
            epsilon = self.epsilon if best is None else best
        return sendable(-epsilon * mean, view.own).repeat(len(view.own), 1)
