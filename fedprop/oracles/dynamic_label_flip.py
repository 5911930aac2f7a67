"""Definition of the labels of dynamic label flipping, and how they are misread.

Source: Shejwalkar et al., "Back to the Drawing Board", IEEE S&P 2022 (reconstructed); Peng, Li and Ling (2024).
"""

from fedprop.oracles.vectors import Row, Rows


def least_likely(outputs: Rows) -> list[int]:
    """For each example, of which these are the outputs by class, the class of the least; of equal ones the first."""
    return [min(range(len(row)), key=lambda label: (row[label], label)) for row in outputs]


def runner_up(outputs: Rows) -> list[int]:
    """Misread: the wrong answer that is nearest, the second largest output."""
    return [_ranked(row)[1] for row in outputs]


def mirrored(outputs: Rows) -> list[int]:
    """Misread: L - 1 - l of what the model answers, the static flip with its answer for the label."""
    return [len(row) - 1 - _ranked(row)[0] for row in outputs]


def smallest(outputs: Rows) -> list[int]:
    """Misread: the output of the smallest size, whatever its sign."""
    return [min(range(len(row)), key=lambda label: abs(row[label])) for row in outputs]


def _ranked(row: Row) -> list[int]:
    return sorted(range(len(row)), key=lambda label: (-row[label], label))


MISREADINGS = {"runner-up": runner_up, "mirrored": mirrored, "smallest": smallest}
