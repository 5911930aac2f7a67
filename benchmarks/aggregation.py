"""The rules' table: seconds, ratios, peak memory and the largest error of everybody who computes a rule."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.contenders import FLOOR_CALL, OURS, Contender, contenders
from benchmarks.machine import free_bytes, settling
from benchmarks.memory import peak_extra
from benchmarks.reference import REFERENCES
from benchmarks.timing import in_turns, ratios, spread

RULES = (
    "median",
    "trimmed mean",
    "mean around median",
    "Krum",
    "Multi-Krum",
    "geometric median",
    "nearest-neighbour mixing",
    "centered clipping",
    "Bulyan",
)
COLUMNS, CLOSE_D = 500, 10_000


class Size(NamedTuple):
    """n rows of d numbers, f of them Byzantine."""

    n: int
    f: int
    d: int


SIZES = (Size(100, 20, 1_000_000), Size(20, 4, 11_000_000))
QUICK = (Size(11, 2, 2_000),)


def spread_rows(size: Size, device: torch.device) -> Tensor:
    """Honest rows of different spread, so that scores are no near-ties, and f rows in another place."""
    stream = torch.Generator().manual_seed(size.n)
    rows = torch.randn(size.n, size.d, generator=stream)
    rows *= torch.linspace(0.8, 1.2, size.n)[torch.randperm(size.n, generator=stream), None]
    rows[torch.randperm(size.n, generator=stream)[: size.f]] += 0.5
    return rows.to(device)


def close_rows(size: Size, device: torch.device) -> Tensor:
    """Rows a thousandth apart around 1000: where distances taken from uncentred float32 products are noise."""
    return spread_rows(Size(size.n, size.f, min(size.d, CLOSE_D)), device) * 1e-3 + 1e3


def measure(
    device: torch.device, *, quick: bool, passes: int, say: Callable[[str], None] = lambda text: None
) -> Iterator[dict[str, Any]]:
    """One record for each size, rule and contender."""
    for size in QUICK if quick else SIZES:
        rows, close = spread_rows(size, device), close_rows(size, device)
        for rule in RULES:
            say(f"{rule}, n = {size.n}, d = {size.d:,}")
            yield from race(rule, size, rows, close, passes=passes)


def race(rule: str, size: Size, rows: Tensor, close: Tensor, *, passes: int) -> list[dict[str, Any]]:
    """All who compute the rule, in turns on the same rows."""
    field = {f"{c.library} {c.name}": c for c in contenders(rule, size.n, size.f, rows.device)}
    judges = [judge(rule, size.f, rows, 1.0), judge(rule, size.f, close, 1e-3)]
    trials = {name: trial(c, rows, close, judges) for name, c in field.items()}
    calls = {name: lambda c=c: c.call(rows) for name, c in field.items() if "failure" not in trials[name]}
    seconds = in_turns(calls, passes=passes, settle=settling(rows.device))
    ours = next(seconds[name] for name, c in field.items() if c.library == OURS)
    records = [{"rule": rule, **size._asdict(), "library": c.library, "call": c.name} for c in field.values()]
    for record, (name, answer) in zip(records, trials.items(), strict=True):
        record |= answer
        if name in seconds:
            record |= {"seconds": seconds[name], "median_seconds": spread(seconds[name]).median}
            record["times_fedprop"] = ratios(seconds[name], ours)._asdict()
    return records


def trial(
    contender: Contender, rows: Tensor, close: Tensor, judges: list[Callable[[object], float | None]]
) -> dict[str, Any]:
    """A first call that is not timed: its peak memory as a share of the input, and the largest errors on both inputs.

    A library that fails, or would take more memory than there is, leaves word of that instead.
    """
    size, free = rows.numel() * rows.element_size(), free_bytes(rows.device)
    if contender.copies * size > 0.8 * free:
        return {"failure": f"needs {contender.copies * size / 1e9:.0f} GB; {free / 1e9:.0f} GB are free"}
    answers: list[object] = []
    try:
        # The small input first: what is loaded at a first call is not the rows' doing.
        close_answer = contender.call(close)
        extra = peak_extra(lambda: answers.append(contender.call(rows)), rows.device)
    except Exception as error:
        if contender.library == OURS:
            raise
        return {"failure": f"{type(error).__name__}: {error}"}
    found = {"peak_extra_share": None if extra is None else extra / size}
    if contender.name == FLOOR_CALL:
        return found | {"error": None, "error_close_rows": None}
    return found | {"error": judges[0](answers[0]), "error_close_rows": judges[1](close_answer)}


def judge(rule: str, f: int, rows: Tensor, unit: float) -> Callable[[object], float | None]:
    """What tells an answer's largest error at some columns, in units of the rows' own spread."""
    if rule not in REFERENCES:
        return lambda answer: None
    columns = torch.linspace(0, rows.shape[1] - 1, COLUMNS).long().unique()
    right = REFERENCES[rule](rows.cpu(), f, columns)

    def error(answer: object) -> float | None:
        given = torch.as_tensor(answer).cpu()
        if given.shape[:-1] != right.shape[:-1]:
            return None
        return float((given[..., columns].double() - right).abs().max()) / unit

    return error
