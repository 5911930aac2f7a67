"""Definition of watermark verification, and how it has been misread."""

import math
from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Row, Rows

Loss = Callable[[Row], float]


def watermark(rows: Rows, loss: Loss, lambda_: float = -5.0) -> list[list[float]]:
    """The rows with loss(0) - loss(x) > lambda, loss(x) being that of w + x on the triggers; a zero if there are none.

    Source: Lu et al. 2024, Algorithm 5, which drops a row if its loss reduction is lambda or less. A reduction that is
    no number is not above lambda. That nobody is left, and the model stays as it is, is not said there.
    """
    return _or_zero(rows, [x for x in rows if _reduction(loss, x) > lambda_])


def _reduction(loss: Loss, x: Row) -> float:
    reduction = loss([0.0] * len(x)) - loss(x)
    return -math.inf if math.isnan(reduction) else reduction


def _or_zero(rows: Rows, kept: Rows) -> list[list[float]]:
    return [list(x) for x in kept] or [[0.0] * len(rows[0])]


def _increase(rows: Rows, loss: Loss, lambda_: float = -5.0) -> list[list[float]]:
    """By how much the loss rises in place of by how much it falls."""
    return _or_zero(rows, [x for x in rows if -_reduction(loss, x) > lambda_])


def _must_learn(rows: Rows, loss: Loss, lambda_: float = -5.0) -> list[list[float]]:
    """-lambda in place of lambda: who does not lower the loss by so much goes."""
    return _or_zero(rows, [x for x in rows if _reduction(loss, x) > -lambda_])


def _loss_alone(rows: Rows, loss: Loss, lambda_: float = -5.0) -> list[list[float]]:
    """The loss of the estimated model, whatever that of the global model is."""
    return _or_zero(rows, [x for x in rows if -loss(x) > lambda_])


def _of_the_rows(rows: Rows, loss: Loss, lambda_: float = -5.0) -> list[list[float]]:
    """The rows taken for models: the present one is not in the loss that is subtracted."""
    least = min(loss(x) for x in rows)
    return _or_zero(rows, [x for x in rows if least - loss(x) > lambda_])


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "increase for reduction": _increase,
    "-lambda": _must_learn,
    "loss of the estimated model alone": _loss_alone,
    "compared with the best row": _of_the_rows,
}
