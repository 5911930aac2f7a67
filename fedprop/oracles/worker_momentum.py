"""Definition of worker momentum, and how it has been misread."""

from collections.abc import Callable, Mapping, Sequence

from fedprop.oracles.vectors import Rows

Round = tuple[Sequence[int], Rows]
"""Who took part, and the row of each."""


def worker_momentum(rows: Rows, beta: float = 0.9, past: Sequence[Round] = ()) -> list[list[float]]:
    """What clients 0, 1, ... send after the rounds in `past`: m <- (1 - beta) x + beta m, m at first the first row.

    Source: Karimireddy et al., ICML 2021, Algorithm 1, for each client; who takes no part keeps its m.
    """
    return _played([*past, (range(len(rows)), rows)], beta)


def _played(rounds: Sequence[Round], beta: float) -> list[list[float]]:
    momenta: dict[int, list[float]] = {}
    for clients, rows in rounds:
        for client, x in zip(clients, rows, strict=True):
            m = momenta.get(client, list(x))
            momenta[client] = [(1 - beta) * a + beta * b for a, b in zip(x, m, strict=True)]
    clients, _ = rounds[-1]
    return [momenta[client] for client in clients]


def _by_position(rows: Rows, beta: float = 0.9, past: Sequence[Round] = ()) -> list[list[float]]:
    """Row i has the momentum of whoever was in row i before."""
    return _played([(range(len(x)), x) for _, x in [*past, (range(len(rows)), rows)]], beta)


def _from_zero(rows: Rows, beta: float = 0.9, past: Sequence[Round] = ()) -> list[list[float]]:
    """The momentum begins at zero and is not corrected, so that the first answer is too short."""
    return [[(1 - beta) * v for v in x] for x in rows]


def _turned_around(rows: Rows, beta: float = 0.9, past: Sequence[Round] = ()) -> list[list[float]]:
    """Beta is the share of the new row."""
    return worker_momentum(rows, 1 - beta, past)


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {"from zero": _from_zero}

LATER_MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "by position": _by_position,
    "beta the share of the new row": _turned_around,
}
"""Those that show when there is a past."""
