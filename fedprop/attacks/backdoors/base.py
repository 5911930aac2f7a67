"""What a backdoor is: inputs that open it, and the answer that an attacker wants for them."""

from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field, NonNegativeInt
from torch import Generator, Tensor

from fedprop.attacks.labels import other_labels
from fedprop.attacks.sampling import some
from fedprop.errors import InvalidConfig
from fedprop.types import Fraction, Kind


class Backdoor(Kind, ABC):
    """Base of all backdoors; how one gets into the global model is the business of an attack.

    One of your own says what `plant` makes of a client's examples, and in `opening` which inputs open it.

    Attributes
    ----------
    label : the label wanted for inputs that open it.
    """

    label: NonNegativeInt = 0

    @abstractmethod
    def plant(self, x: Tensor, y: Tensor, generator: Generator, member: int = 0) -> tuple[Tensor, Tensor]:
        """What an attacker trains on instead of its examples x [n, ...] and y [n], which stay as they are.

        `member` numbers the attack's clients from 0, for a backdoor whose parts they share among them.
        """

    @abstractmethod
    def opening(self, x: Tensor, y: Tensor) -> Tensor:
        """The inputs [m, ...], made of x [n, ...] of other labels y [n] than the one wanted, that open it."""

    def aims(self, x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Test inputs [m, ...] that open it, of other labels than the one wanted, and that label [m].

        Raises
        ------
        InvalidConfig
            If there is no such label, or no such input.
        """
        others = other_labels(self.label, y, classes)
        if not bool(others.any()):
            raise InvalidConfig(f"`label` must not be the label of every test input; found {self.label}")
        inputs = self.opening(x[others], y[others])
        if len(inputs) == 0:
            raise InvalidConfig(f"{type(self).__name__} must be opened by some test input; found none among {len(y)}")
        return inputs, torch.full((len(inputs),), self.label, dtype=y.dtype, device=y.device)


class Trigger(Backdoor, ABC):
    """Base of backdoors that listen to a mark, which an attacker puts on inputs of any kind.

    Attributes
    ----------
    poisoned : the share of each client's examples, at least one of them, that get the mark and the label.
    """

    poisoned: Annotated[Fraction, Field(gt=0.0)] = 0.3

    @abstractmethod
    def stamped(self, x: Tensor, member: int | None = None) -> Tensor:
        """A copy of the inputs [n, ...] with a member's part of the mark in each; of None, all of it."""

    def plant(self, x: Tensor, y: Tensor, generator: Generator, member: int = 0) -> tuple[Tensor, Tensor]:
        """The examples, with mark and label in a random share of them."""
        chosen = some(len(y), self.poisoned, generator).to(y.device)
        x, y = x.clone(), y.clone()
        x[chosen] = self.stamped(x[chosen], member)
        y[chosen] = self.label
        return x, y

    def opening(self, x: Tensor, y: Tensor) -> Tensor:
        """All inputs, with all of the mark."""
        return self.stamped(x)


class Property(Backdoor, ABC):
    """Base of backdoors without a mark: they listen to inputs as they are that have a property.

    Attributes
    ----------
    source : the class that such inputs belong to; None for any but `label`.
    poisoned : the share of what each client trains on that such examples make up: copies of them take the places of
        others until they do. None leaves them as rare as they are, so that most attacks learn next to nothing of them.
        Bagdasaryan et al. (2020) have 20 in a batch of 64.
    """

    source: NonNegativeInt | None = None
    poisoned: Annotated[Fraction, Field(gt=0.0)] | None = None

    @abstractmethod
    def having(self, x: Tensor, y: Tensor) -> Tensor:
        """Which of the inputs x [n, ...] with labels y [n] have the property, as a mask [n]."""

    def plant(self, x: Tensor, y: Tensor, generator: Generator, member: int = 0) -> tuple[Tensor, Tensor]:
        """The examples, those that have the property with the label wanted; no input is changed."""
        found = self._open(x, y)
        kept = self._places(found.cpu(), generator).to(y.device)
        return x[kept], torch.where(found, self.label, y)[kept]

    def opening(self, x: Tensor, y: Tensor) -> Tensor:
        """The inputs that have the property."""
        return x[self._open(x, y)]

    def _places(self, found: Tensor, generator: Generator) -> Tensor:
        """Which of the examples [n] to train on: of those `found` as many as are to be, the rest at random."""
        places, own = torch.arange(len(found)), found.nonzero()[:, 0]
        missing = round((self.poisoned or 0.0) * len(found)) - len(own)
        if missing > 0 and len(own):
            others = (~found).nonzero()[:, 0]
            given = others[torch.randperm(len(others), generator=generator)[:missing]]
            places[given] = own[torch.arange(len(given)) % len(own)]
        return places

    def _open(self, x: Tensor, y: Tensor) -> Tensor:
        return self.having(x, y) & (y != self.label if self.source is None else y == self.source)
