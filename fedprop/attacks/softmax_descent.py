"""What training a logistic regression makes of poisoned examples, and which way they must move to make it worse."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot


class SoftmaxDescent(NamedTuple):
    """Training on known examples and on points, and the validation loss that it leads to.

    The model is softmax regression with a bias, trained from zero by full-batch gradient descent on the mixture
    (1 - share) * mean loss on `x` + share * mean loss on the points.

    Attributes
    ----------
    x, y : what is trained on beside the points, inputs [n, d] and labels [n].
    val_x, val_y : whose mean loss is judged by, inputs [v, d] and labels [v].
    labels : of the points, [p].
    classes : how many there are, L.
    share : the points' part of the training loss.
    steps, lr : how many steps of descent, and how long.
    """

    x: Tensor
    y: Tensor
    val_x: Tensor
    val_y: Tensor
    labels: Tensor
    classes: int
    share: float
    steps: int
    lr: float

    def slope(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The validation loss that training with the points [p, d] leads to, and its gradient in them [p, d].

        Descent is gone through backwards, as back-gradient optimisation does, by the models that were met on the way:
        they are kept. (To reverse descent without them saves their memory and is inexact.) One step back needs no more
        than products with the inputs, since the second derivatives of this loss are known.
        """
        x, wanted = biased(torch.cat([self.x, points])), self._wanted(torch.cat([self.y, self.labels]), points)
        weights, p = self._weights(points), len(points)
        models, answers = self._descend(x, wanted, weights)
        val_x, val_wanted = biased(self.val_x), self._wanted(self.val_y, points)
        scores = val_x @ models[-1]
        pull = val_x.T @ (scores.softmax(dim=1) - val_wanted) / len(val_x)
        found = torch.zeros_like(x[-p:])
        for model, answer in zip(reversed(models[:-1]), reversed(answers), strict=True):
            turned = x @ pull
            bent = weights * answer * (turned - (answer * turned).sum(dim=1, keepdim=True))
            missed = weights[-p:] * (answer[-p:] - wanted[-p:])
            found -= self.lr * (missed @ pull.T + bent[-p:] @ model.T)
            pull = pull - self.lr * (x.T @ bent)
        return -(scores.log_softmax(dim=1) * val_wanted).sum(dim=1).mean(), found[:, :-1]

    def _descend(self, x: Tensor, wanted: Tensor, weights: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """All models [d + 1, L] from the first to the last, and what all but the last answer [n + p, L]."""
        models, answers = [x.new_zeros(x.shape[1], self.classes)], []
        for _ in range(self.steps):
            answers.append((x @ models[-1]).softmax(dim=1))
            models.append(models[-1] - self.lr * (x.T @ (weights * (answers[-1] - wanted))))
        return models, answers

    def _weights(self, points: Tensor) -> Tensor:
        """What each example counts in the training loss, [n + p, 1]."""
        known = points.new_full((len(self.x), 1), (1 - self.share) / max(1, len(self.x)))
        return torch.cat([known, points.new_full((len(points), 1), self.share / len(points))])

    def _wanted(self, labels: Tensor, like: Tensor) -> Tensor:
        return one_hot(labels, self.classes).to(like)


def biased(x: Tensor) -> Tensor:
    """Inputs [n, d] with an entry of 1 for the bias, [n, d + 1]."""
    return torch.cat([x, x.new_ones(len(x), 1)], dim=1)
