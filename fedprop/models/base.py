"""What a model is in a configuration: a name, its sizes, and how to build it."""

from abc import ABC, abstractmethod

from torch import nn

from fedprop.draws import OwnDraws, seeded
from fedprop.rng import key
from fedprop.types import Kind


class ModelSpec(Kind, ABC):
    """A model by name."""

    @abstractmethod
    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """A module that maps inputs [b, *shape] to logits [b, classes], initialised from torch's global CPU generator.

        It must run under `torch.func.functional_call` and `vmap`: no in-place activations, no branches on data.

        Raises
        ------
        InvalidConfig
            If the model cannot take inputs of this shape.
        """

    def build(self, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
        """`module`, initialised from the seed alone; torch's global generators are left as they were."""
        own = key(seed, "model")
        with seeded(own), OwnDraws(own):
            return self.module(shape, classes)
