"""When two answers of a rule are the same, in floating point and in the face of ties."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from fedprop.aggregators.contract import Contract, unstated
from fedprop.types import Updates, Vector

ROUNDING = {torch.float64: 1e-12, torch.float32: 4e-6}
"""What sums of a few dozen terms may lose, relative to the terms."""

SCORES = {torch.float64: 0.0, torch.float32: 1e-5}
"""How much two scores that are computed from such sums may differ, relative to each other, beside the contract."""

NUDGE, JUMP = {torch.float64: 1e-7, torch.float32: 1e-4}, {torch.float64: 1e3, torch.float32: 1e2}
"""How far `jumps` moves rows, relative to their spread, and how much farther an answer must then move."""

NEAR = 16
"""Rows so many times as far from the middle as the nearer half are too far for a stretch to be tiny."""

NUDGES, ORDERS = 24, 24
"""How often it moves them; and in how many orders `decided_by_position` looks at them."""


def tolerance(contract: Contract, rows: Updates) -> float:
    """How far apart, in any coordinate, two answers to the same rows [n, d] may be, computed in their dtype.

    `ROUNDING` times the largest entry plus the contract's precision times the spread plus its smoothing. Rows that
    the rule claims to tolerate must not excuse anything, so the f rows farthest from the coordinate-wise median are
    left out of the first two.
    """
    rounding, rows = ROUNDING[rows.dtype], rows.double()
    f = max(contract.tolerates(len(rows)), default=0)
    far = (rows - rows.median(dim=0).values).abs().amax(dim=1)
    near = rows[far.argsort()[: len(rows) - f]]
    spread = (near.amax(dim=0) - near.amin(dim=0)).max()
    return float(rounding * near.abs().max() + contract.precision * spread) + contract.smoothing


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference in any entry."""
    return float((a.double() - b.double()).abs().max())


def same_answer(contract: Contract, rows: Updates, a: Vector, b: Vector) -> bool:
    """Whether `a` and `b` [d] are the same answer to rows [n, d], computed in their dtype.

    They are if they agree within `tolerance`; if the contract has a regret and neither could be better; or if the
    contract calls the rows ambiguous. Krum shows why the last two are needed: of rows with equal scores it takes the
    first, so another order of the same rows gives another row, which is as good an answer. Comparing scores instead
    of rows keeps such inputs, of which small integers are full, in the test.
    """
    apart = difference(a, b)
    if apart == 0 or apart <= tolerance(contract, rows):
        return True
    if contract.regret is not None:
        regret = max(contract.regret(rows.double(), a.double()), contract.regret(rows.double(), b.double()))
        if regret <= max(contract.precision, SCORES[rows.dtype]):
            return True
    return contract.ambiguous(rows)


def settled(contract: Contract, rule: Callable[[Updates], Vector]) -> Contract:
    """The contract with `ambiguous` filled in by whether the answer of `rule` jumps near the rows.

    A contract that states where it is ambiguous, or has a regret, which tells equal answers apart better, is complete.
    """
    if contract.ambiguous is not unstated or contract.regret is not None:
        return contract
    return replace(contract, ambiguous=lambda rows: tied(rule, rows))


def tied(rule: Callable[[Updates], Vector], rows: Updates) -> bool:
    """Whether equal scores decide the answer of `rule` to rows [n, d]: it jumps near them, or position decides."""
    return jumps(rule, rows) or decided_by_position(rule, rows)


def jumps(rule: Callable[[Updates], Vector], rows: Updates) -> bool:
    """Whether tiny changes of the rows [n, d] move the answer far: so it is where equal scores decide.

    Each row is moved for itself, or all near ones are stretched a little around the one in the middle: rows on a line
    that have equal scores have so after a stretch, and rounding tells them apart in one way or another.
    """
    wide, tiny, reach = rows.double(), NUDGE[rows.dtype], _reach(rows.double())
    middle = wide.median(dim=0).values
    near = (wide - middle).abs().amax(dim=1, keepdim=True) <= NEAR * reach
    generator = torch.Generator().manual_seed(0)
    least = most = rule(rows).double()
    for number in range(2 * NUDGES):
        if number < NUDGES:
            moved = wide + tiny * reach * torch.randn(rows.shape, generator=generator, dtype=torch.float64)
        else:
            stretched = (wide - middle) * (1 + tiny * float(torch.randn((), generator=generator)))
            moved = torch.where(near, middle + stretched, wide)
        found = rule(moved.to(rows.dtype)).double()
        least, most = torch.minimum(least, found), torch.maximum(most, found)
        if float((most - least).max()) > JUMP[rows.dtype] * tiny * reach:
            return True
    return False


def decided_by_position(rule: Callable[[Updates], Vector], rows: Updates) -> bool:
    """Whether the answer is always the first of two rows, or always the last, wherever the others stand.

    So it is where both have the same score whichever way the rows move, as the two in the middle of an even number have
    in a sum of distances on a line. A rule that trusts in positions, as if attackers were the last rows, answers with
    others as well, or with one of two that does not always come first.
    """
    kinds = torch.unique(rows, dim=0, return_inverse=True)[1]
    generator = torch.Generator().manual_seed(0)
    outcomes = []
    for _ in range(ORDERS):
        order = torch.randperm(len(rows), generator=generator)
        is_answer = (rows == rule(rows[order])).all(dim=1)
        if not is_answer.any():
            return False
        outcomes.append((kinds[order].tolist(), int(kinds[is_answer][0])))
    two = {kind for _, kind in outcomes}
    return len(two) == 2 and any(
        all(min(two, key=place(standing)) == kind for standing, kind in outcomes) for place in (_first, _last)
    )


def _first(standing: list[int]) -> Callable[[int], int]:
    """Kind -> where the first row of that kind stands."""
    return standing.index


def _last(standing: list[int]) -> Callable[[int], int]:
    """Kind -> where its last row stands, from the end."""
    return standing[::-1].index


def _reach(rows: Updates) -> float:
    """How far the nearer half of the rows lies from the middle; if not at all, how far the next row lies."""
    away = (rows - rows.median(dim=0).values).abs().amax(dim=1).sort().values
    beyond = away[(away > 0) & (away >= away[len(away) // 2])]
    return float(beyond[0]) if len(beyond) else 0.0
