"""Deep leakage from gradients: what its candidates make small."""

from collections.abc import Sequence

from fedprop.oracles.softmax_gradient import of_batch
from fedprop.oracles.vectors import Row


def dlg(told: Row, inputs: Sequence[Row], labels: Sequence[Row], weights: Sequence[Row], biases: Row) -> float:
    """The squared distance of the candidates' gradient to the one that was told, for softmax regression.

    Source: Zhu, Liu and Han, "Deep Leakage from Gradients", NeurIPS 2019, equation 3 (numbered from memory).
    """
    found = of_batch(inputs, labels, weights, biases)
    return sum((a - b) ** 2 for a, b in zip(found, told, strict=True))
