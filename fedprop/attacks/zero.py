"""Models of zeros."""

from typing import Literal

import torch

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import updates_to
from fedprop.attacks.view import View
from fedprop.types import Updates


class Zero(Attack):
    """The zero mode of Byzantine attacks: every compromised client sends a model whose weights are all zero.

    Its update is therefore minus the received weights; an update of zeros is what a free rider sends.

    Source: Han et al., "FedSecurity" (2024), section 3.1, Byzantine attacks, mode 1: "setting their weights to zero".

    >>> view = View(torch.tensor([[0.5, 0.5]]), None, torch.tensor([1.0, -2.0]), None, torch.Generator())
    >>> Zero().craft(view).tolist()
    [[-1.0, 2.0]]
    """

    kind: Literal["zero"] = "zero"

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        return updates_to(torch.zeros_like(view.origin), view)
