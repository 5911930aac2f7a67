"""What every rule, stage and postprocessor costs, as times the plain mean of the same rows.

`python -m benchmarks.catalogue --into benchmarks/results` measures them all and renews that section of the results
there; `measure()` gives its rows. Stages stand before a mean and postprocessors after one; of the configurations that a
kind offers as worth trying it is the first that tolerates as many rows as any. A rule that asks the server is asked
with the first row as all that the server knows, as `fedprop verify` does: what the losses of a model cost is not
counted here.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import torch

from benchmarks.aggregation import Size, spread_rows
from benchmarks.memory import apart, bytes_of, peak_extra
from benchmarks.table import plain
from benchmarks.timing import in_turns, ratios, spread
from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Aggregator, Mean, self_contained
from fedprop.types import Kind

CPU = torch.device("cpu")
BASE = "mean"
LONGEST, FEWER = 10.0, 50
"""A rule that would take more CPU seconds, as a few columns foretell, is measured on one in so many columns alone."""
UNTOLD = {"memory": None, "remembers": None}


def candidates() -> Iterator[tuple[str, Aggregator]]:
    """Every kind by what it is called here, as a rule that rows alone can be given to."""
    for rule in map(_chosen, AGGREGATORS.kinds.values()):
        yield _named(rule), self_contained(rule)
    for stage in map(_chosen, STAGES.kinds.values()):
        yield f"{_named(stage)} >> {BASE}", self_contained(stage >> Mean())
    for after in map(_chosen, POSTPROCESSORS.kinds.values()):
        yield f"{BASE} >> {_named(after)}", self_contained(Mean() >> after)


def _chosen(kind: type[Kind]) -> Any:
    return max(kind.examples(), key=lambda example: getattr(example, "f", None) or 0)


def _named(part: Kind) -> str:
    """Its class, and the settings that it was given."""
    given = {name: value for name, value in part if name != "kind" and name in part.model_fields_set}
    shown = (f"{name}={_named(value) if isinstance(value, Kind) else value}" for name, value in given.items())
    return f"{type(part).__name__}({', '.join(shown)})"


def measure(
    *, n: int = 100, d: int = 1_000_000, passes: int = 3, say: Callable[[str], None] = lambda text: None
) -> list[dict[str, Any]]:
    """One row for each kind: wall and CPU time of the full form as times the mean's within each pass, and memory.

    A rule that remembers is asked in its second round. `memory` is what a call takes at its peak beyond its input and
    what it remembers, and `remembers` the latter, both as shares of the input.

    What takes very long is measured on few columns: then `d` is smaller, and of memory nothing is told, since beside so
    small an input the blocks of a pass are large.
    """
    size = Size(n, n // 5, d)
    rows = spread_rows(size, CPU)
    found = []
    for name, rule in candidates():
        say(name)
        found.append({"rule": name, **cost(rule, bearable(rule, rows), passes)})
    say("what each takes of memory")
    held = apart(_held, size, [record["rule"] for record in found if record["d"] == d])
    return [record | held.get(record["rule"], UNTOLD) for record in found]


def bearable(rule: Aggregator, rows: torch.Tensor) -> torch.Tensor:
    """The rows, or few of their columns if the rule would take longer than anybody waits.

    What does not grow with the columns, such as a search among sets of rows, is told from what does.
    """
    few = max(1, rows.shape[1] // FEWER)
    seconds: list[float] = []
    for columns in (1, few, 2 * few):  # the first call loads what it needs
        _spending(seconds, partial(rule.aggregate, rows[:, :columns].contiguous()))
    foretold = seconds[1] + (seconds[2] - seconds[1]) * FEWER
    return rows if foretold <= LONGEST else rows[:, :few].contiguous()


def cost(rule: Aggregator, rows: torch.Tensor, passes: int) -> dict[str, Any]:
    """What `measure` tells of the time of one rule."""
    cpu: dict[str, list[float]] = {name: [] for name in (BASE, "rule")}
    state = None if rule.init() is None else rule.aggregate(rows).state
    calls = {BASE: partial(Mean().aggregate, rows), "rule": partial(rule.aggregate, rows, state)}
    timed = {name: partial(_spending, cpu[name], call) for name, call in calls.items()}
    wall = in_turns(timed, passes=passes)
    times = ratios(wall["rule"], wall[BASE])
    return {
        "d": rows.shape[1],
        "ms": 1000 * spread(wall["rule"]).median,
        "times mean": times.median,
        "from": times.low,
        "to": times.high,
        "CPU, times mean": ratios(cpu["rule"], cpu[BASE]).median,
    }


def held(rule: Aggregator, rows: torch.Tensor) -> dict[str, float | None]:
    """What `measure` tells of the memory of one rule."""
    few = rows[:, : rows.shape[1] // FEWER + 1].contiguous()
    rule.aggregate(few, rule.aggregate(few).state)  # what is loaded at a first call is not the rows' doing
    state = None if rule.init() is None else rule.aggregate(rows).state
    kept: list[Any] = []
    extra = peak_extra(lambda: kept.append(rule.aggregate(rows, state).state), CPU)
    remembered = sum(map(bytes_of, kept))
    return {
        "memory": None if extra is None else max(0, extra - remembered) / rows.nbytes,
        "remembers": remembered / rows.nbytes,
    }


def _held(size: Size, names: list[str]) -> dict[str, dict[str, float | None]]:
    rows = spread_rows(size, CPU)
    return {name: held(rule, rows) for name, rule in candidates() if name in names}


def _spending(seconds: list[float], call: Callable[[], object]) -> None:
    """Make the call, and add to the list the CPU seconds, of all threads, that it took."""
    began = process_time()
    call()
    seconds.append(process_time() - began)


def main() -> None:
    from benchmarks.run import renew  # which names this module among its parts

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, help="folder with the results of `fedprop bench`, to renew")
    given = parser.parse_args()
    rows = measure(say=lambda text: print(text, flush=True))
    if given.into:
        renew("catalogue", rows, f"python -m benchmarks.catalogue --into {given.into}", given.into)
    else:
        print(plain(rows))


if __name__ == "__main__":
    main()
