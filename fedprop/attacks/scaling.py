"""Honest updates, scaled up."""

from typing import Literal, Self

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates


class Scaling(Attack):
    """The scaling attack: every compromised client sends its own update, multiplied.

    With gamma = n / m, for n updates averaged of which m come from the attack, the mean of all moves by what the
    attack's clients learnt where the honest updates cancel out. What they learnt is honest here; it is not where the
    same experiment poisons their data with another attack, or in `ModelReplacement`, which trains a backdoor itself.

    Attributes
    ----------
    factor : gamma; None for n / m, or 1 where that is less.

    Source: Bagdasaryan et al., "How To Backdoor Federated Learning", AISTATS 2020, section 4.2, equation 3; as an
    explicit boost, Bhagoji et al., ICML 2019, section 3.2.

    Example: `Scaling(factor=5.0)` turns the update (1, -2) into (5, -10).
    """

    kind: Literal["scaling"] = "scaling"
    factor: Positive | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(factor=10.0))

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        if len(view.own) == 0:
            return view.own
        return sendable((self.factor or view.boost) * view.own.double(), view.own)
