"""Definition of the gradient that back-gradient poisoning follows, and how it is misread.

Source: Muñoz-González et al., "Towards Poisoning of Deep Learning Algorithms with Back-gradient Optimization", AISec
2017, equation 2 and Algorithm 2 (reconstructed). Descent is not reversed here: the loss after training is a function of
the points like any other, and differences tell its gradient.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from fedprop.oracles.softmax_gradient import of_batch
from fedprop.oracles.vectors import Row, Rows

Loss: TypeAlias = Callable[[Rows], float]


class Lesson(NamedTuple):
    """Inputs and one-hot labels that are trained on, those that are judged by, the points' labels, and the training."""

    inputs: Rows
    labels: Rows
    val_inputs: Rows
    val_labels: Rows
    point_labels: Rows
    share: float
    steps: int
    lr: float


def hyper_gradient(lesson: Lesson, points: Rows) -> list[list[float]]:
    """The gradient in the points of the validation loss after descent from zero on known examples and points."""
    return _differences(lambda moved: _judged(lesson, [moved] * lesson.steps), points)


def last_step(lesson: Lesson, points: Rows) -> list[list[float]]:
    """Misread: the points matter in the last step alone; that earlier models depend on them is left out."""
    earlier = [points] * (lesson.steps - 1)
    return _differences(lambda moved: _judged(lesson, [*earlier, moved]), points)


def of_training(lesson: Lesson, points: Rows) -> list[list[float]]:
    """Misread: the loss on what is trained on, in place of the one on examples that were held out."""
    own = lesson._replace(val_inputs=lesson.inputs, val_labels=lesson.labels)
    return hyper_gradient(own, points)


def as_many(lesson: Lesson, points: Rows) -> list[list[float]]:
    """Misread: each point counts as much as a known example, whatever part of all examples the poison is."""
    part = len(points) / (len(points) + len(lesson.inputs))
    return hyper_gradient(lesson._replace(share=part), points)


def validation_loss(lesson: Lesson, points: Rows) -> float:
    """The mean cross-entropy on what is judged by, of the model trained with the points."""
    return _judged(lesson, [points] * lesson.steps)


def _judged(lesson: Lesson, points: list[Rows]) -> float:
    """The loss after as many steps as there are sets of points, each of them used in one step."""
    classes, d = len(lesson.point_labels[0]), len(points[0][0])
    weights, biases = [[0.0] * d for _ in range(classes)], [0.0] * classes
    for present in points:
        known = of_batch(lesson.inputs, lesson.labels, weights, biases)
        poison = of_batch(present, lesson.point_labels, weights, biases)
        step = [lesson.lr * ((1 - lesson.share) * a + lesson.share * b) for a, b in zip(known, poison, strict=True)]
        weights = [[w - step[c * d + k] for k, w in enumerate(row)] for c, row in enumerate(weights)]
        biases = [bias - step[classes * d + c] for c, bias in enumerate(biases)]
    losses = [_cross_entropy(x, y, weights, biases) for x, y in zip(lesson.val_inputs, lesson.val_labels, strict=True)]
    return math.fsum(losses) / len(losses)


def _cross_entropy(x: Row, y: Row, weights: Rows, biases: Row) -> float:
    scores = [math.fsum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(weights, biases, strict=True)]
    total = math.log(math.fsum(math.exp(score) for score in scores))
    return math.fsum(share * (total - score) for share, score in zip(y, scores, strict=True))


def _differences(loss: Loss, points: Rows, width: float = 1e-5) -> list[list[float]]:
    """Central differences, entry by entry."""

    def moved(i: int, k: int, by: float) -> Rows:
        return [[v + by * (i == row and k == place) for place, v in enumerate(x)] for row, x in enumerate(points)]

    return [
        [(loss(moved(i, k, width)) - loss(moved(i, k, -width))) / (2 * width) for k in range(len(x))]
        for i, x in enumerate(points)
    ]


MISREADINGS = {"last step": last_step, "of training": of_training, "as many": as_many}
