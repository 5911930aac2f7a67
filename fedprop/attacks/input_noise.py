"""Data poisoning: noise on the inputs, right labels."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.sampling import normal, some
from fedprop.errors import InvalidConfig
from fedprop.types import Fraction, Positive


class InputNoise(Attack):
    """Compromised clients train on inputs with Gaussian noise, drawn once, and on the right labels.

    What the noise adds may lie beyond the range of honest inputs.

    Attributes
    ----------
    std : the noise's deviation, in the units of the inputs.
    poisoned : the share of each client's examples, at least one of them, that get noise.

    Source: Shi et al. 2022, section II-B ("adding noise"), who leave kind and size of the noise open.

    >>> x, y = InputNoise(std=0.5).poison(torch.zeros(1000, 4), torch.ones(1000), 2, torch.Generator().manual_seed(0))
    >>> round(float(x.std()), 2), bool(y.eq(1).all())
    (0.5, True)
    """

    kind: Literal["input_noise"] = "input_noise"
    std: Positive = 1.0
    poisoned: Annotated[Fraction, Field(gt=0.0)] = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(poisoned=0.5), cls())

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs x [n, ...] with noise on some of them, and their labels [n] as they are.

        Raises
        ------
        InvalidConfig
            If inputs are no fractions, as token ids are not.
        """
        if not x.is_floating_point():
            raise InvalidConfig(f"`data` must have inputs of fractions for InputNoise; found {x.dtype}")
        chosen = some(len(x), self.poisoned, generator).to(x.device)
        x = x.clone()
        x[chosen] += (self.std * normal(tuple(x[chosen].shape), x, generator)).to(x.dtype)
        return x, y
