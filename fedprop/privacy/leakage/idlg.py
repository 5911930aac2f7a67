"""Improved deep leakage from gradients."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt

from fedprop.privacy.leakage.descent import least, squared_distance
from fedprop.privacy.leakage.reconstruction import Guess, Leak, Reconstruction, start
from fedprop.types import NonNegative


class IDLG(Reconstruction):
    """DLG with labels that are read off the last layer's gradient first, so that inputs alone are looked for.

    The label of one example is exact if what enters the last layer is not negative; of several it is a guess.

    Attributes
    ----------
    iterations : outer ones of L-BFGS; 20 evaluations in each.

    Source: Zhao, Mopuri and Bilen, "iDLG: Improved Deep Leakage from Gradients", 2020, section 3 and Algorithm 1.
    """

    knows: ClassVar[str] = "the model, how clients train, the range of inputs"

    kind: Literal["idlg"] = "idlg"
    iterations: PositiveInt = 300
    enough: NonNegative = 1e-6

    def fit(self, leak: Leak, noise: torch.Generator) -> Guess:
        x, y = start(leak, noise), leak.likely
        distance = least(
            lambda: squared_distance(leak.imitation(x, y), leak.told),
            [x],
            iterations=self.iterations,
            enough=self.enough,
        )
        return Guess(x.detach(), y, distance)
