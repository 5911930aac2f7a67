"""Definition of the mimic attack, and how it is misread.

Source: reconstructed from Karimireddy, He and Jaggi, ICLR 2022, section 3 and appendix B.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from fedprop.oracles.vectors import Row, Rows, direction, mean_of


def mimic(
    rounds: Sequence[Mapping[str, Any]],
    warm_up: int,
    generator: torch.Generator,
    *,
    running: bool = True,
    powers: bool = True,
) -> list[float]:
    """The honest row that all send in the last of these rounds, each with `rows` and whose they are.

    mu is the mean of the rounds' means so far, and z takes one step of power iteration a round towards where rows
    scatter most; it starts at a standard normal draw. The client with the largest <z, g> is copied, and after the
    warm-up the same one in each round in which it is there.
    """
    z = direction(torch.randn(len(rounds[0]["rows"][0]), generator=generator, dtype=torch.float64).tolist())
    mu, target = [0.0] * len(z), None
    for t, seen in enumerate(rounds):
        rows, clients = seen["rows"], seen["clients"]
        if t < warm_up:
            mean = [mean_of(column) for column in zip(*rows, strict=True)]
            mu = [(t * a + b) / (1 + t) for a, b in zip(mu, mean, strict=True)] if running else mean
            z = _step(z, rows, mu, t) if powers else z
        along = [math.fsum(a * b for a, b in zip(z, row, strict=True)) for row in rows]
        farthest = along.index(max(along))
        target = clients[farthest] if t < warm_up or target is None else target
        copied = clients.index(target) if target in clients else farthest
    return list(rows[copied])


def _step(z: Row, rows: Rows, mu: Row, t: int) -> list[float]:
    """The next z = t / (1 + t) z + u / ((1 + t) |u|), with u = sum_i <g_i - mu, z> (g_i - mu), at length 1."""
    away = [[g - b for g, b in zip(row, mu, strict=True)] for row in rows]
    along = [math.fsum(a * b for a, b in zip(row, z, strict=True)) for row in away]
    u = direction(
        [math.fsum(k * value for k, value in zip(along, column, strict=True)) for column in zip(*away, strict=True)]
    )
    mixed = [(t * a + b) / (1 + t) for a, b in zip(z, u, strict=True)]
    return direction(mixed) if any(mixed) else list(z)


def always_the_first(rounds: Sequence[Mapping[str, Any]]) -> list[float]:
    """Misread: one client is copied, whichever comes first, as in public libraries."""
    return list(rounds[-1]["rows"][0])


def round_mean(**known: Any) -> list[float]:
    """Misread: rows scatter around the mean of their own round."""
    return mimic(**known, running=False)


def any_direction(**known: Any) -> list[float]:
    """Misread: z stays a random direction."""
    return mimic(**known, powers=False)


def never_settled(warm_up: int, **known: Any) -> list[float]:
    """Misread: the warm-up does not end, so that each round another client may be copied."""
    return mimic(**known, warm_up=len(known["rounds"]))


MISREADINGS = {
    "always the first": always_the_first,
    "round mean": round_mean,
    "any direction": any_direction,
    "never settled": never_settled,
}
