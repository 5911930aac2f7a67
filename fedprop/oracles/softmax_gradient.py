"""The gradient of softmax regression, a model whose gradients can be written down: a help for attacks on gradients."""

import math
from collections.abc import Sequence

from fedprop.oracles.vectors import Row


def of_batch(inputs: Sequence[Row], labels: Sequence[Row], weights: Sequence[Row], biases: Row) -> list[float]:
    """That of the mean cross-entropy: the weights' row by row, one row for each class, then the biases'.

    Labels are probabilities of classes. For one example the row of class c is (p_c - y_c) x, and its bias p_c - y_c.
    """
    rows, last = [[0.0] * len(row) for row in weights], [0.0] * len(biases)
    for x, y in zip(inputs, labels, strict=True):
        scores = [sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(weights, biases, strict=True)]
        total = sum(math.exp(score) for score in scores)
        for c, score in enumerate(scores):
            wrong = (math.exp(score) / total - y[c]) / len(inputs)
            last[c] += wrong
            for k, value in enumerate(x):
                rows[c][k] += wrong * value
    return [value for row in rows for value in row] + last
