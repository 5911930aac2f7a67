"""Updates that point the other way."""

from typing import Literal, Self

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable, updates_to
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates


class SignFlip(Attack):
    """The sign-flipping attack: every compromised client sends -z times its own honest update, or model.

    With `z = 1` this is the flipping mode of FedSecurity's Byzantine attacks: the local model w_g + (w_g - w_l), for a
    received model w_g and a learnt one w_l, is the update turned round.

    Attributes
    ----------
    z : how many times as long as the honest update, or model, the reversed one is.
    of : what is reversed. Lu et al. multiply the `update`; Shi et al. multiply the local `model` by -4, that is `z=4`,
        so that near convergence the update is about -5 times the global model.

    Source: Lu et al., "HeteroFL" (2024), evaluated poisoning attacks; Shi et al. (2022), comparison with their weight
    attack; Han et al., "FedSecurity" (2024), section 3.1, Byzantine attacks, mode 3.

    Example: `SignFlip(z=4.0)` turns the update (1, -2) into (-4, 8).
    """

    kind: Literal["sign_flip"] = "sign_flip"
    z: Positive = 1.0
    of: Literal["update", "model"] = "update"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(z=10.0), cls(z=4.0, of="model"))

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        if self.of == "model":
            return updates_to(-self.z * (view.origin.double() + view.own.double()), view)
        return sendable(-self.z * view.own.double(), view.own)
