"""Model replacement: a backdoor, trained by the attacker and scaled up until it is the global model."""

from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Generator, Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.labels import other_labels
from fedprop.attacks.rows import sendable
from fedprop.attacks.training import trained
from fedprop.attacks.trigger import PixelTrigger
from fedprop.attacks.view import View
from fedprop.errors import InvalidConfig
from fedprop.types import Fraction, Positive, Updates, Vector


class ModelReplacement(Attack):
    """The model-replacement attack, with a pixel trigger for a backdoor.

    Each compromised client trains the received model G on its own examples, a share of which carry the trigger and the
    label that the attacker wants for it. The loss is alpha times everybody's plus 1 - alpha times an anomaly term, the
    squared distance from G (constrain and scale; with `alpha = 1`, plain scaling). Of the model X that it reaches it
    sends gamma (X - G). With gamma = n / m, for n updates averaged of which m come from the attack, the mean of all
    moves by X - G where the honest ones cancel out, as they do near convergence: the global model is replaced by X.

    Training runs in evaluation mode, so dropout is off and the statistics of batch normalisation stay G's: they are
    neither changed nor scaled.

    Attributes
    ----------
    label : the label wanted for inputs with the trigger.
    trigger : what such inputs carry.
    poisoned : the share of each client's examples, at least one of them, that get trigger and label.
    alpha : the weight of everybody's loss. The paper's code has 1.
    boost : gamma; None for n / m, or 1 where that is less.
    epochs, lr, batch_size : the attacker's own training.

    Source: Bagdasaryan, Veit, Hua, Estrin and Shmatikov, "How To Backdoor Federated Learning", AISTATS 2020, sections
    4.2 (constrain and scale) and 4.3; the pixel trigger is that of Gu, Dolan-Gavitt and Garg, "BadNets" (2017).
    """

    kind: Literal["model_replacement"] = "model_replacement"
    needs_classes: ClassVar[bool] = True
    trains: ClassVar[bool] = True
    label: NonNegativeInt = 0
    trigger: PixelTrigger = PixelTrigger()
    poisoned: Annotated[Fraction, Field(gt=0.0)] = 0.3
    alpha: Annotated[Fraction, Field(gt=0.0)] = 1.0
    boost: Positive | None = None
    epochs: PositiveInt = 5
    lr: Positive = 0.1
    batch_size: PositiveInt = 32

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(epochs=2), cls(epochs=1, alpha=0.7, boost=3.0, batch_size=4))

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """All test inputs of other labels, with the trigger, and the label wanted for them.

        Raises
        ------
        InvalidConfig
            If there is no such label, or no input of another one.
        """
        others = other_labels(self.label, y, classes)
        if not bool(others.any()):
            raise InvalidConfig(f"`label` must not be the label of every test input; found {self.label}")
        return self.trigger.stamped(x[others]), torch.full_like(y[others], self.label)

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If the view has no workshop.
        """
        if len(view.own) == 0:
            return view.own
        boost = self.boost or view.boost
        found = torch.stack([self._model(view, row) for row in range(len(view.own))])
        return sendable(boost * (found.double() - view.origin.double()), view.own)

    def _model(self, view: View, row: int) -> Vector:
        """X: what the client of this row trains."""
        x, y = self._mixed(*view.tools.data(row), view.generator)

        def constrained(model: Vector, gradient: Vector) -> Vector:
            return self.alpha * gradient + (1 - self.alpha) * 2 * (model - view.origin)

        return trained(
            view.tools,
            view.origin,
            x,
            y,
            epochs=self.epochs,
            lr=self.lr,
            batch_size=self.batch_size,
            generator=view.generator,
            hook=constrained,
        )

    def _mixed(self, x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """A client's examples x [n, ...] and y [n], with trigger and label in a random share of them."""
        many = max(1, round(self.poisoned * len(y)))
        chosen = torch.randperm(len(y), generator=generator)[:many].to(y.device)
        x, y = x.clone(), y.clone()
        x[chosen] = self.trigger.stamped(x[chosen])
        y[chosen] = self.label
        return x, y
