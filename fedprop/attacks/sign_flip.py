"""Updates that point the other way."""

from typing import Literal

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates


class SignFlip(Attack):
    """The sign-flipping attack: every compromised client sends -z times its own honest update.

    `z` scales the reversed update. Shi et al. multiply by -4, which is `z=4`; they apply it to the local model where
    Lu et al. and this class apply it to the update.

    Attributes
    ----------
    z : how many times as long as the honest update the reversed one is.

    Source: Lu et al., "HeteroFL" (2024), evaluated poisoning attacks; Shi et al. (2022), comparison with their weight
    attack.

    Example: `SignFlip(z=4.0)` turns the update (1, -2) into (-4, 8).
    """

    kind: Literal["sign_flip"] = "sign_flip"
    z: Positive = 1.0

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        return sendable(-self.z * view.own.double(), view.own)
