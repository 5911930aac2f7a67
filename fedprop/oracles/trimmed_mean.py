"""Definition of the coordinate-wise trimmed mean."""

from fedprop.oracles.vectors import Rows, mean_of


def trimmed_mean(rows: Rows, f: int) -> list[float]:
    """In each coordinate, the mean of the n - 2f values left when the f smallest and f largest are removed.

    Source: Yin et al., ICML 2018, Definition 2.
    """
    kept = [sorted(column)[f : len(rows) - f] for column in zip(*rows, strict=True)]
    return [mean_of(values) for values in kept]
