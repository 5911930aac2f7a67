"""Model replacement: a backdoor, trained by the attacker and scaled up until it is the global model."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator

from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import within_length
from fedprop.attacks.own_training import BoostedBackdoor
from fedprop.attacks.view import View
from fedprop.errors import InvalidConfig
from fedprop.types import Fraction, Positive, Updates, Vector

SOURCE = "Bagdasaryan et al., AISTATS 2020, section 4.2"


class ModelReplacement(BoostedBackdoor):
    """The model-replacement attack: a backdoor, scaled up so that averaging does not water it down.

    Each compromised client trains the received model G on its own examples with the backdoor in them. Of the model X
    that it reaches it sends gamma (X - G).

    - Constrain and scale: the loss is alpha times everybody's plus 1 - alpha times an anomaly term, the squared
      distance from G (with `alpha = 1`, plain scaling). With gamma = n / m, for n updates averaged of which m come from
      the attack, the mean of all moves by X - G where the honest ones cancel out, as they do near convergence: the
      global model is replaced by X.
    - Train and scale: gamma = S / ||X - G||, so that what is sent is as long as the defense lets through.

    Attributes
    ----------
    alpha : the weight of everybody's loss. The paper's code has 1.
    boost : gamma; None for n / m, or 1 where that is less.
    length : S, how long each update is to be; None for gamma as above.

    Raises
    ------
    pydantic.ValidationError
        If both `boost` and `length` are set.

    Source: Bagdasaryan, Veit, Hua, Estrin and Shmatikov, "How To Backdoor Federated Learning", AISTATS 2020, sections
    4.2 (constrain and scale, train and scale) and 4.3.
    """

    kind: Literal["model_replacement"] = "model_replacement"
    alpha: Annotated[Fraction, Field(gt=0.0)] = 1.0
    boost: Positive | None = None
    length: Positive | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(epochs=2), cls(epochs=1, length=2.0), cls(epochs=1, alpha=0.7, boost=3.0, batch_size=4))

    @model_validator(mode="after")
    def _one_scale(self) -> "ModelReplacement":
        if self.boost is not None and self.length is not None:
            found = f"{self.boost:g} and {self.length:g}"
            raise InvalidConfig(f"`boost` or `length` must be left out for ModelReplacement; found {found}")
        return self

    def constraints(self) -> tuple[Constraint, ...]:
        """Trained and scaled, updates are no longer than they are meant to be."""
        return () if self.length is None else (within_length(self.length, source=SOURCE),)

    def scale(self, view: View, changes: Updates) -> Updates:
        """Gamma for each row [c, 1]; 0 for one that training left where it was."""
        if self.length is None:
            return changes.new_full((len(changes), 1), self.boost or view.boost)
        lengths = changes.norm(dim=1, keepdim=True)
        return torch.where(lengths > 0, self.length / lengths, 0.0)

    def model(self, view: View, row: int) -> Vector:
        """X: what the client of this row trains."""

        def constrained(model: Vector, gradient: Vector) -> Vector:
            return self.alpha * gradient + (1 - self.alpha) * 2 * (model - view.origin)

        return self.learnt(view, *self.planted(view, row), hook=constrained)
