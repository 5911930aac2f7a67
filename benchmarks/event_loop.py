"""What the event loop costs: client-updates per second, memory of idle clients, start-up, and bare loops beside it.

`python benchmarks/event_loop.py` prints a table; `measure()` gives its rows. Clients train nothing here (a trainer that
answers with zeros at once), but are slow, late and drop out, so the time is that of the simulator alone. An update
counts when the server has accepted it.
"""

import asyncio
import ctypes
import heapq
import importlib.util
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import torch

from fedprop import clock
from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import Snapshot, simulate
from fedprop.simulation.events import Event, RoundRecord
from fedprop.simulation.setup import Setup
from fedprop.simulation.world import World
from fedprop.training.task import LocalResult, Ticket

SLEEPS = 20
"""How often each task of a bare loop sleeps."""

MOST_TASKS = 10_000
"""Maximum tasks of a bare loop."""

CROWDS = ((100, 100), (1_000, 100), (10_000, 1_000), (100_000, 1_000), (1_000_000, 1_000))
"""Clients registered, and how many of them work at a time (or in a round)."""


class Nobody:
    """An observer that looks away."""

    def on_event(self, event: Event) -> None:
        """Not interested."""

    def on_round(self, record: RoundRecord, snapshot: Callable[[], Snapshot]) -> None:
        """Not interested."""


def null_trainer(tickets: Sequence[Ticket]) -> list[LocalResult]:
    """Answers every ticket at once with an update of zeros."""
    zeros = torch.zeros_like(tickets[0].origin)
    return [LocalResult(zeros, examples=1, steps=1, loss=0.0) for _ in tickets]


def crowd(clients: int, policy: dict[str, Any], rounds: int, *, outages: dict[str, Any] | None = None) -> Setup:
    """Clients with one example each; a tenth of the tasks is dropped, and times spread widely."""
    y = torch.arange(max(2, clients)) % 2
    x = torch.stack([y, 1 - y], dim=1).float()
    experiment = Experiment(
        rounds=rounds,
        clients=clients,
        model="logistic_regression",
        policy=policy,
        compute={
            "time": {"kind": "lognormal", "median": 1, "sigma": 0.5},
            "speed": {"kind": "pareto", "minimum": 1, "alpha": 2},
        },
        network={"latency": {"kind": "exponential", "mean": 0.1}},
        faults={"dropout": 0.1, "outages": outages},
        evaluate_every=10**9,
    )
    return resolve(experiment, dataset=Dataset.from_arrays("crowd", x, y, x[:2], y[:2]))


def policies(busy: int) -> dict[str, dict[str, Any]]:
    """A synchronous policy and a buffered one that keep so many clients busy."""
    return {
        "synchronous": {"kind": "synchronous", "cohort": busy, "deadline": 10.0},
        "fedbuff": {"kind": "fedbuff", "concurrency": busy, "buffer": max(1, busy // 10), "timeout": 20.0},
    }


def update_rates(updates: int, most: int) -> Iterator[dict[str, Any]]:
    """Accepted updates per second of real and of processor time, against the number of clients, at most so many."""
    for clients, busy in (crowd for crowd in CROWDS if crowd[0] <= most):
        for name, policy in policies(busy).items():
            rounds = max(1, updates // policy.get("buffer", busy))
            setup = crowd(clients, policy, rounds)
            began, worked = time.perf_counter(), time.process_time()
            outcome = simulate(setup, Nobody(), train=null_trainer)
            wall, cpu = time.perf_counter() - began, time.process_time() - worked
            accepted = sum(record.accepted for record in outcome.rounds)
            yield _row(f"client-updates, {name}", clients, accepted / wall, "1/s", busy=busy, per_cpu=accepted / cpu)


def idle_memory(clients: int) -> Iterator[dict[str, Any]]:
    """What an idle client keeps resident (Linux): all of it, its data and the times of its outages included.

    What was freed while clients were made goes back to the system first: it is there for whatever comes next.
    """
    before = _resident()
    setup = crowd(clients, policies(1)["fedbuff"], 1, outages={"up": {"kind": "exponential", "mean": 9}, "down": 1})
    world = clock.run(_look_at_all, setup)
    yield _row("memory per idle client", len(world.setup.shards.parts), (_resident() - before) / clients, "B")


async def _look_at_all(setup: Setup) -> World:
    world = World(setup, Nobody().on_event)
    world.server.available()
    return world


def _resident() -> int:
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)  # not every C library has it
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def start_ups(repeats: int) -> Iterator[dict[str, Any]]:
    """The least time of several for help, for the bare import, and for everything the package offers beyond torch."""
    codes = {
        "fedprop --help": "import sys; sys.argv = ['fedprop', '--help']; from fedprop.cli import main; main()",
        "import fedprop": "import fedprop",
        "import torch": "import torch",
        "from fedprop import *": "from fedprop import *",
    }
    for name, code in codes.items():
        yield _row(name, None, min(_seconds(lambda code=code: _start(code)) for _ in range(repeats)), "s")


def _start(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def bare_loops(tasks: int) -> Iterator[dict[str, Any]]:
    """Timers per second of a heap, of this package's clock, and of SimPy where it is installed, with so many tasks."""
    loops = {
        "heap": _heap,
        "clock, posted calls": _posted,
        "clock, asyncio tasks": _slept,
        "clock, anyio tasks": _napped,
    }
    if importlib.util.find_spec("simpy"):
        loops["SimPy"] = _simpy
    for name, loop in loops.items():
        yield _row(f"timers, {name}", tasks, tasks * SLEEPS / _seconds(partial(loop, tasks)), "1/s")


def _heap(tasks: int) -> None:
    heap = [(float(task), task, SLEEPS) for task in range(tasks)]
    heapq.heapify(heap)
    while heap:
        when, task, left = heapq.heappop(heap)
        if left > 1:
            heapq.heappush(heap, (when + 1.0, task, left - 1))


def _posted(tasks: int) -> None:
    async def main() -> None:
        def tick(left: int) -> None:
            if left:
                clock.post(clock.now() + 1.0, tick, left - 1)

        for task in range(tasks):
            clock.post(task / tasks, tick, SLEEPS - 1)
        await anyio.sleep(SLEEPS + 1)

    clock.run(main)


def _slept(tasks: int) -> None:
    async def nap(task: int) -> None:
        for _ in range(SLEEPS):
            await asyncio.sleep(1.0 + task / tasks)

    async def main() -> None:
        await asyncio.gather(*(nap(task) for task in range(tasks)))

    clock.run(main)


def _napped(tasks: int) -> None:
    async def nap(task: int) -> None:
        for _ in range(SLEEPS):
            await anyio.sleep(1.0 + task / tasks)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for task in range(tasks):
                group.start_soon(nap, task)

    clock.run(main)


def _simpy(tasks: int) -> None:
    simpy = importlib.import_module("simpy")
    world = simpy.Environment()

    def nap(task: int) -> Iterator[Any]:
        for _ in range(SLEEPS):
            yield world.timeout(1.0 + task / tasks)

    for task in range(tasks):
        world.process(nap(task))
    world.run()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(what: str, clients: int | None, value: float, unit: str, **more: float) -> dict[str, Any]:
    return {"what": what, "clients": clients, "value": value, "unit": unit, **more}


def rows(*, updates: int = 10_000, repeats: int = 3, clients: int = 1_000_000) -> Iterator[dict[str, Any]]:
    """Everything, one quantity after the other; as `measure`."""
    yield from update_rates(updates, clients)
    yield from idle_memory(clients)
    yield from start_ups(repeats)
    yield from bare_loops(min(clients // 10, MOST_TASKS))


def measure(**sizes: int) -> list[dict[str, Any]]:
    """One row for each quantity: `what`, `clients`, `value`, `unit`, and for rates `busy` clients and `per_cpu` second.

    The sizes are `updates`, how many each simulation aims at; `repeats`, how often a start is timed (the least counts);
    `clients`, the most that are registered. Bare loops have a tenth as many tasks, but at most `MOST_TASKS`.
    """
    return [*rows(**sizes)]


def main() -> None:
    """Print the table as it grows."""
    for row in rows():
        clients = "" if row["clients"] is None else f"{row['clients']:,}"
        more = ", ".join(f"{name} {row[name]:,.0f}" for name in ("busy", "per_cpu") if name in row)
        print(f"{row['what']:32} {clients:>8} {row['value']:>14,.2f} {row['unit']:4} {more}", flush=True)


if __name__ == "__main__":
    main()
