"""Eigenvalues and eigenvectors of small symmetric matrices, by Jacobi's rotations."""

import math

from fedprop.oracles.vectors import Row, Rows

Matrix = list[list[float]]

SWEEPS = 60
"""Each sweep squares what is off the diagonal; ten are enough for any matrix tried."""


def eigen(matrix: Matrix) -> tuple[list[float], Matrix]:
    """The eigenvalues in descending order, and a unit eigenvector for each.

    Source: Golub and Van Loan, Matrix Computations, Section 8.5 (cyclic Jacobi).
    """
    a, n = [list(row) for row in matrix], len(matrix)
    v = [[float(i == j) for j in range(n)] for i in range(n)]
    for _ in range(SWEEPS):
        size = max(abs(x) for row in a for x in row)
        if all(abs(a[i][j]) <= 1e-17 * size for i in range(n) for j in range(i)):
            break
        for p in range(n):
            for q in range(p + 1, n):
                if a[p][q] != 0:
                    _rotate(a, v, p, q)
    order = sorted(range(n), key=lambda k: -a[k][k])
    return [a[k][k] for k in order], [[v[i][k] for i in range(n)] for k in order]


def scatter(rows: Rows) -> tuple[list[float], Matrix]:
    """Eigenvalues of sum_i x_i x_i^T, the largest first, and unit eigenvectors.

    Of fewer rows than coordinates those of their inner products are taken, which but for zeros are the same numbers:
    if u is an eigenvector of these with eigenvalue s, sum_i u_i x_i / sqrt(s) is one of the sum.
    """
    columns = list(zip(*rows, strict=True))
    if len(columns) <= len(rows):
        return eigen([[product(x, y) for y in columns] for x in columns])
    values, vectors = eigen([[product(x, y) for y in rows] for x in rows])
    mixed = [[product(u, column) for column in columns] for u in vectors]
    lengths = [math.hypot(*v) for v in mixed]
    return values, [[a / r if r else 0.0 for a in v] for v, r in zip(mixed, lengths, strict=True)]


def product(x: Row, y: Row) -> float:
    """The inner product."""
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def _rotate(a: Matrix, v: Matrix, p: int, q: int) -> None:
    """Turn the plane of coordinates p and q so that a[p][q] vanishes."""
    theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
    t = math.copysign(1.0, theta) / (abs(theta) + math.hypot(1.0, theta))
    c = 1 / math.hypot(1.0, t)
    s = t * c
    for k in range(len(a)):
        a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
    for k in range(len(a)):
        a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]
    a[p][q] = a[q][p] = 0.0  # but for rounding, which would keep the sweeps from their end
    for k in range(len(v)):
        v[k][p], v[k][q] = c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]
