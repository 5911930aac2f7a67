"""HeteroFL with triggers of another noise; readings.yaml holds it against ours."""

from typing import Literal

import torch
from torch import Tensor

from fedprop.defenses.heterofl import HeteroFl


class NormalTriggers(HeteroFl):
    """Triggers of standard normal noise, which have little in common with pictures and each other."""

    kind: Literal["normal_triggers"] = "normal_triggers"

    def extra_examples(self, x: Tensor, classes: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        shape = (self.triggers, *x.shape[1:])
        return torch.randn(shape, generator=generator).to(x.dtype), torch.full((self.triggers,), classes)
