"""Cost against d and against n, with the exponent that fits the larger half."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmarks.aggregation import RULES, Size, spread_rows
from benchmarks.contenders import FLOOR, FLOOR_CALL, OURS, contenders
from benchmarks.machine import settling
from benchmarks.timing import in_turns, slope

DS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
NS = (10, 20, 50, 100, 200)
NS_AGAINST_D, D_AGAINST_N = (20, 100), 100_000
LARGEST = 400_000_000
"""Numbers in the largest input: 1.6 GB."""


def measure(
    device: torch.device, *, quick: bool, passes: int, say: Callable[[str], None] = lambda text: None
) -> Iterator[dict[str, Any]]:
    """One record for each rule and line: where it was measured, the least seconds there, and the exponent."""
    ds, ns = ((1_000, 2_000, 4_000), (10, 12, 14)) if quick else (DS, NS)
    for n in NS_AGAINST_D[:1] if quick else NS_AGAINST_D:
        say(f"cost against d, n = {n}")
        sizes = [Size(n, tolerated(n), d) for d in ds if n * d <= LARGEST]
        yield from lines("d", {"n": n}, sizes, device, passes)
    d = 1_000 if quick else D_AGAINST_N
    say(f"cost against n, d = {d:,}")
    yield from lines("n", {"d": d}, [Size(n, tolerated(n), d) for n in ns], device, passes)


def tolerated(n: int) -> int:
    """An f that every rule takes: Bulyan needs n >= 4f + 3."""
    return (n - 3) // 4


def lines(
    against: str, fixed: dict[str, int], sizes: list[Size], device: torch.device, passes: int
) -> list[dict[str, Any]]:
    """The cost of every rule of fedprop, and of the plain sum, at each size."""
    costs: dict[str, list[float]] = {}
    for size in sizes:
        for rule, seconds in cost(size, device, passes).items():
            costs.setdefault(rule, []).append(seconds)
    xs = [getattr(size, against) for size in sizes]
    half = len(xs) // 2
    return [
        {"against": against, **fixed, "rule": rule, against + "s": xs, "seconds": ys}
        | {"exponent": slope(xs[half:], ys[half:])}
        for rule, ys in costs.items()
    ]


def cost(size: Size, device: torch.device, passes: int) -> dict[str, float]:
    """The least seconds of each rule at this size."""
    rows = spread_rows(size, device)
    calls: dict[str, Callable[[], object]] = {}
    for rule in RULES:
        for contender in contenders(rule, size.n, size.f, device):
            if contender.library == OURS or contender.name == FLOOR_CALL:
                name = FLOOR if contender.name == FLOOR_CALL else rule
                calls[name] = lambda c=contender: c.call(rows)
    return {rule: min(seconds) for rule, seconds in in_turns(calls, passes=passes, settle=settling(device)).items()}
