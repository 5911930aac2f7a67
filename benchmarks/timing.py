"""Time things that are to be compared: in turns, so that what disturbs one disturbs all, and as ratios per turn."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Clock = Callable[[], float]


class Spread(NamedTuple):
    """The median of some values, and their range."""

    median: float
    low: float
    high: float


def in_turns(
    calls: Mapping[str, Callable[[], object]],
    *,
    passes: int,
    settle: Callable[[], object] = lambda: None,
    clock: Clock = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each call in each pass; a pass calls all of them once, in order: A B C, A B C, ...

    Parameters
    ----------
    settle : waits until a call's work is done, where a device works on after the call returns.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(passes):
        for name, call in calls.items():
            began = clock()
            call()
            settle()
            seconds[name].append(clock() - began)
    return seconds


def spread(values: Sequence[float]) -> Spread:
    """The median and the range of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(seconds: Sequence[float], base: Sequence[float]) -> Spread:
    """How many times as long as `base` something took, pass by pass, so that a slow moment of the machine cancels."""
    return spread([ours / theirs for ours, theirs in zip(seconds, base, strict=True)])


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The exponent p of the least-squares fit y = c * x^p: 1 for a cost that is linear in x."""
    import numpy as np

    return float(np.polyfit(np.log(xs), np.log(ys), 1)[0])
