"""The opposite of all that honest clients send together."""

from typing import Literal, Self

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Positive, Updates


class OppositeSum(Attack):
    """The omniscient attack: every compromised client sends minus the sum of the honest updates, multiplied.

    One such row cancels all honest ones in a mean, and more than one turns it round: with m of them the rows add up to
    (1 - m scale) times the honest sum.

    Attributes
    ----------
    knowledge : whose updates are added up: the honest clients' (`full`, as the paper has it), or those of the attack's
        own clients (`partial`).
    scale : how many times the sum. Xie et al. have 1e20, with which any one row decides an average alone.

    Source: Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD" (2018), omniscient attack, reconstructed.

    Example: with honest updates (1, 2) and (3, -1), every compromised client sends (-4, -1).
    """

    kind: Literal["opposite_sum"] = "opposite_sum"
    knowledge: Knowledge = "full"
    scale: Positive = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(scale=1e20), cls(knowledge="partial"))

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        whole = view.seen(self.knowledge).double().sum(dim=0)
        return sendable(-self.scale * whole, view.own).repeat(len(view.own), 1)
