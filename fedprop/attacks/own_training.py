"""Attacks whose clients train on their own account."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import Generator, Tensor

from fedprop.attacks.backdoors import AnyBackdoor, PixelTrigger
from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.training import Hook, Project, trained
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates, Vector


class OwnTraining(Attack, ABC):
    """Base of attacks that train a model as they like, from the one that was received.

    Training runs in evaluation mode, so dropout is off and the statistics of batch normalisation stay those received:
    they are neither changed nor scaled.

    Attributes
    ----------
    epochs, lr, batch_size : the attacker's own training.
    """

    trains: ClassVar[bool] = True
    epochs: PositiveInt = 5
    lr: Positive = 0.1
    batch_size: PositiveInt = 32

    def learnt(
        self,
        view: View,
        x: Tensor,
        y: Tensor,
        *,
        start: Vector | None = None,
        hook: Hook | None = None,
        project: Project | None = None,
    ) -> Vector:
        """The model [d] that training on x [n, ...] and y [n] leads to, from `start`, or else the received one."""
        return trained(
            view.tools,
            view.origin if start is None else start,
            x,
            y,
            epochs=self.epochs,
            lr=self.lr,
            batch_size=self.batch_size,
            generator=view.generator,
            hook=hook,
            project=project,
        )


class BackdoorTraining(OwnTraining, ABC):
    """Base of attacks that train a backdoor into the model.

    Attributes
    ----------
    backdoor : what opens it, which label is wanted, and how it is planted in a client's examples.
    """

    needs_classes: ClassVar[bool] = True
    backdoor: AnyBackdoor = PixelTrigger()

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """The test inputs that open the backdoor, and the label wanted for them. Raises as the backdoor's `aims`."""
        return self.backdoor.aims(x, y, classes)

    def planted(self, view: View, row: int) -> tuple[Tensor, Tensor]:
        """The examples of the client of a row, with the backdoor in them."""
        return self.backdoor.plant(*view.tools.data(row), view.generator, view.members[row])


class TrainingApart(OwnTraining, ABC):
    """Base of attacks whose clients each train a model by themselves, and send what they have learnt."""

    @abstractmethod
    def model(self, view: View, row: int) -> Vector:
        """The model [d] that the client of a row trains."""

    def scale(self, view: View, changes: Updates) -> Updates | float:
        """By how much what was learnt, `changes` [c, d], is multiplied: one number, or one for each row [c, 1]."""
        return 1.0

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If the view has no workshop.
        """
        if len(view.own) == 0:
            return view.own
        models = torch.stack([self.model(view, row) for row in range(len(view.own))])
        changes = models.double() - view.origin.double()
        return sendable(self.scale(view, changes) * changes, view.own)


class BoostedBackdoor(BackdoorTraining, TrainingApart, ABC):
    """Base of backdoors that each client trains by itself and boosts, so that averaging does not water it down."""

    @abstractmethod
    def scale(self, view: View, changes: Updates) -> Updates | float:
        """The boost: see `TrainingApart`."""
