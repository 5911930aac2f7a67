"""Models of random numbers."""

from typing import Literal, Self, TypeAlias

import torch

from fedprop.attacks.base import Attack, Constraint
from fedprop.attacks.constraints import weights_within
from fedprop.attacks.rows import updates_to
from fedprop.attacks.sampling import normal, uniform
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates

Law: TypeAlias = Literal["uniform", "normal"]


class RandomWeights(Attack):
    """Random mode: every compromised client sends random numbers, drawn for each client and weight alone.

    - FedSecurity's Byzantine mode is the default: the weights of the model are uniform in [-1, 1).
    - The Gaussian attack of Xie et al. is `RandomWeights(of="update", law="normal", scale=200.0)`, whatever the honest
      updates are; `Gaussian` fits them, as Fang et al. have it.
    - The random baseline of Cao and Gong is `RandomWeights(of="update", law="normal", scale=1e6)`.

    Attributes
    ----------
    of : whether the numbers are the weights of the local `model`, or the `update` itself.
    law : uniform in [-scale, scale), or normal with mean 0 and deviation `scale`.
    scale : see `law`.

    Source: Han et al., "FedSecurity" (2024), section 3.1, Byzantine attacks, mode 2, "attributing random values to
    model weights", and its code for their law; Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD" (2018), and
    Cao and Gong, "MPAF", CVPR Workshops 2022, reconstructed.
    """

    kind: Literal["random"] = "random"
    of: Literal["model", "update"] = "model"
    law: Law = "uniform"
    scale: Positive = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(of="update", law="normal", scale=200.0))

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        shape = tuple(view.own.shape)
        if self.law == "normal":
            drawn = normal(shape, view.own, view.generator)
        else:
            drawn = 2 * uniform(shape, view.own, view.generator) - 1
        start = torch.zeros_like(view.origin) if self.of == "model" else view.origin
        return updates_to(start.double() + self.scale * drawn, view)

    def constraints(self) -> tuple[Constraint, ...]:
        """Uniform weights lie between -scale and scale."""
        if self.law == "normal":
            return ()
        return (weights_within(self.scale, of=self.of, source="Han et al. (2024), section 3.1"),)
