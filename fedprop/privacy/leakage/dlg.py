"""Deep leakage from gradients."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt

from fedprop.errors import InvalidConfig
from fedprop.privacy.leakage.descent import least, squared_distance
from fedprop.privacy.leakage.reconstruction import Guess, Leak, Reconstruction, start
from fedprop.privacy.probe import Watched
from fedprop.tasks import Classification


class DLG(Reconstruction):
    """Deep leakage from gradients (DLG): inputs and soft labels whose gradient is nearest to the one that was sent.

    Both begin as standard normal noise, and L-BFGS moves them together. It needs a model that can be differentiated
    twice, such as `dlg_lenet`: with ReLU the second derivative is zero almost everywhere.

    Attributes
    ----------
    iterations : outer ones of L-BFGS; 20 evaluations in each.

    Source: Zhu, Liu and Han, "Deep Leakage from Gradients", NeurIPS 2019, Algorithm 1; sizes as in the authors' code.
    """

    knows: ClassVar[str] = "the model, how clients train, the range of inputs"

    kind: Literal["dlg"] = "dlg"
    iterations: PositiveInt = 300

    def check(self, run: Watched) -> None:
        if not isinstance(run.task, Classification):
            raise InvalidConfig(f"`inference.kind` dlg needs labels that can be soft; found `task` {run.task.kind}")

    def fit(self, leak: Leak, noise: torch.Generator) -> Guess:
        x = start(leak, noise)
        y = start(leak._replace(shape=(leak.shape[0], leak.layer.classes)), noise)
        distance = least(
            lambda: squared_distance(leak.imitation(x, y.softmax(dim=1)), leak.told),
            [x, y],
            iterations=self.iterations,
            enough=self.enough,
        )
        return Guess(x.detach(), y.detach().argmax(dim=1), distance)
