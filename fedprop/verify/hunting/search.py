"""The search for the worst case: how far f rows can push the answer, measured as a robustness coefficient.

Random inputs seldom come near a rule's worst case. Here the ratio of Allouah et al. (AISTATS 2023, Definition 2),
||F(x) - mean_S||^2 over the variance of the honest set S, is maximised by an evolution strategy with one parent
(Rechenberg's one-fifth rule sets its step), started from honest rows that attacks have hit.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

import torch
from torch import Tensor

from fedprop.properties.attacked import attack_rows, attackers
from fedprop.properties.base import Rule
from fedprop.properties.breakdown import REACHES, carried_away
from fedprop.properties.case import Case
from fedprop.types import Updates
from fedprop.verify.hunting.claim import TooSlow, contained
from fedprop.verify.hunting.patience import until
from fedprop.verify.pages.findings import Limit, Peak

STEPS = 400
"""Moves tried from each start."""

STARTS = 4
"""Sets of honest rows, each hit by every attack; the best start of each attack may be climbed from."""

CLIMBS = 12
"""Starts climbed from, the highest first; more attacks then cost no more than a look at each of their starts."""

DIMENSIONS = (1, 2)

NEGLIGIBLE = 1e-9
"""Honest rows this close together, relative to their size, have no spread to measure by."""


def worst_case(rule: Rule, n: int, f: int, *, bound: float | None, seed: int, end: float = math.inf) -> Peak:
    """The highest ratio found for `rule` with n rows of which f are Byzantine, until the clock shows `end`.

    Raises
    ------
    TooSlow
        If one answer takes too long.
    """
    generator = torch.Generator().manual_seed(seed)
    best = Peak(n=n, f=f, kappa=0.0, bound=bound, start="none", rows=())
    promising: dict[tuple[str, int], tuple[float, Updates]] = {}
    try:
        for name, rows in _starts(n, f, generator):
            height = ratio(rule, rows, f, end=end)
            if height >= promising.get((name, rows.shape[1]), (0.0, rows))[0]:
                promising[name, rows.shape[1]] = height, rows
        highest = sorted(promising.items(), key=lambda start: -start[1][0])[:CLIMBS]
        for (name, _), (_, rows) in highest:
            for reached, height in _climb(rule, rows, f, generator, end):
                if height > best.kappa:
                    best = best.model_copy(update={"kappa": height, "start": name, "rows": _plain(reached)})
    except TooSlow:
        if monotonic() < end:
            raise
    return best


def ratio(rule: Rule, rows: Updates, f: int, *, end: float = math.inf) -> float:
    """||F(x) - mean_S||^2 / variance_S, where S are all rows but the last f; 0 if S has no spread or F no answer.

    Raises
    ------
    TooSlow
        If there is none in time, or the clock shows `end`.
    """
    honest = rows[: len(rows) - f]
    mean = honest.mean(dim=0)
    variance = float((honest - mean).square().sum(dim=1).mean())
    if variance <= (NEGLIGIBLE * float(rows.abs().max())) ** 2:
        return 0.0
    try:
        with until(end), contained():
            error = float((rule(rows) - mean).square().sum())
    except Exception:
        return 0.0
    return error / variance if math.isfinite(error) else 0.0


def breakdown_point(rule: Rule, n: int, f: int, *, end: float = math.inf) -> Limit | None:
    """The smallest clique that carries the answer away from n - b rows at 0, 1, 2, ... in one dimension.

    None if the rule has no answer to any of them.

    Raises
    ------
    TooSlow
        If it takes too long, or the clock shows `end`.
    """
    answered = False
    for count in range(1, n):
        rows = torch.arange(n, dtype=torch.float64)[:, None].clone()
        rows[n - count :] = float(n)
        case = Case(rows, tuple(i < n - count for i in range(n)), count)
        try:
            with until(end), contained():
                carried = carried_away(rule, case, REACHES[0])
        except Exception:  # noqa: S112 - whatever a target raises, it has no answer to these rows
            continue
        answered = True
        if carried is not None:
            return Limit(n=n, f=f, rows=count)
    return Limit(n=n, f=f, rows=None) if answered else None


def _starts(n: int, f: int, generator: torch.Generator) -> Iterator[tuple[str, Updates]]:
    byzantine = list(range(n - f, n))
    for low in range(1, n - f):
        yield "two values", _two_values(n, f, low)
    for number in range(STARTS):
        for d in DIMENSIONS:
            rows = torch.randn(n, d, generator=generator, dtype=torch.float64)
            yield "random", rows
            for attack in attackers():
                yield attack.kind, attack_rows(attack, rows, byzantine, number)


def _two_values(n: int, f: int, low: int) -> Updates:
    """`low` honest rows at 0, the others at 1, the Byzantine ones beyond: the worst case of order statistics."""
    rows = torch.ones(n, 1, dtype=torch.float64)
    rows[:low] = 0
    rows[n - f :] = 2
    return rows


def _climb(
    rule: Rule, rows: Updates, f: int, generator: torch.Generator, end: float
) -> Iterator[tuple[Updates, float]]:
    """Every height on the way up, and the rows there."""
    height, step = ratio(rule, rows, f, end=end), 0.5
    yield rows, height
    for _ in range(STEPS):
        move = _pick(MOVES, generator)
        higher = move(rows, f, step, generator)
        reached = ratio(rule, higher, f, end=end)
        if reached > height:
            rows, height, step = higher, reached, min(step * 1.5, 4.0)
            yield rows, height
        else:
            step = max(step * 1.5**-0.25, 1e-4)


def _everything(rows: Updates, f: int, step: float, generator: torch.Generator) -> Updates:
    return rows + step * torch.randn(rows.shape, generator=generator, dtype=torch.float64)


def _byzantine(rows: Updates, f: int, step: float, generator: torch.Generator) -> Updates:
    moved = _everything(rows, f, step, generator)
    moved[: len(rows) - f] = rows[: len(rows) - f]
    return moved


def _one_row(rows: Updates, f: int, step: float, generator: torch.Generator) -> Updates:
    moved, i = rows.clone(), _index(len(rows), generator)
    moved[i] += step * torch.randn(rows.shape[1], generator=generator, dtype=torch.float64)
    return moved


def _join(rows: Updates, f: int, step: float, generator: torch.Generator) -> Updates:
    """One row goes all or part of the way to another: worst cases are full of coincidences."""
    moved, i, j = rows.clone(), _index(len(rows), generator), _index(len(rows), generator)
    moved[i] += min(1.0, 2 * step) * (rows[j] - rows[i])
    return moved


def _gather(rows: Updates, f: int, step: float, generator: torch.Generator) -> Updates:
    """All Byzantine rows go where one of the rows is."""
    moved = rows.clone()
    moved[len(rows) - f :] = rows[_index(len(rows), generator)]
    return moved


Move = Callable[[Updates, int, float, torch.Generator], Updates]
MOVES: tuple[Move, ...] = (_everything, _byzantine, _one_row, _one_row, _join, _gather)


def _index(n: int, generator: torch.Generator) -> int:
    return int(torch.randint(n, (), generator=generator))


def _pick(moves: Sequence[Move], generator: torch.Generator) -> Move:
    return moves[_index(len(moves), generator)]


def _plain(rows: Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in rows.tolist())
