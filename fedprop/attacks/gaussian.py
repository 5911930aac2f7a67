"""Updates drawn from the Gaussian that the honest ones suggest."""

from typing import Literal, Self

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import mean_and_deviation, sendable
from fedprop.attacks.sampling import normal
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Updates


class Gaussian(Attack):
    """The Gaussian attack: each parameter of each crafted update is drawn from a Gaussian of its own.

    The Gaussian of a parameter has the mean and the (population) deviation of that parameter over the before-attack
    updates. Fang et al. estimate it from all clients, hence `knowledge` is `full` unless told otherwise; under
    `partial` it comes from the compromised clients alone. Drawing updates and drawing models is the same: the two
    Gaussians differ by the received parameters, which are a constant.

    Attributes
    ----------
    knowledge : whose updates the Gaussians are estimated from: everybody's (`full`), or the compromised clients'
        (`partial`).

    Source: Fang, Cao, Jia, Gong, "Local Model Poisoning Attacks to Byzantine-Robust Federated Learning", USENIX
    Security 2020, section 4.1.
    """

    kind: Literal["gaussian"] = "gaussian"
    knowledge: Knowledge = "full"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(knowledge="partial"), cls(knowledge="full"))

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        own = view.own
        if len(own) == 0:
            return own
        mean, deviation = mean_and_deviation(view.everyone if self.knowledge == "full" else own)
        draws = normal((len(own), len(mean)), own, view.generator)
        return sendable(mean + deviation * draws, own)
