"""What every library is given to do, and how it reports; needs numpy, and torch where the library does.

An adapter defines `measure(work)`, which makes `work.rounds` rounds after one that is not counted, and gives the
seconds of each and the final model's mean loss on the training data: who trains less than asked shows by that.
The same start, clients, batches and steps for all; mean aggregation, no evaluation.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

MARK = "measured: "
"""Begins a line that holds a result, so that whatever a library prints is not taken for one."""


@dataclass(frozen=True)
class Work:
    """One case.

    Attributes
    ----------
    path : without its suffix, of `.npz` (x, y, parts [clients, m]: the indices of each client's examples, and the
        initial parameters by their torch names) and `.pt` (the initial model, pickled).
    model : the kind of model, for libraries that cannot take a torch module.
    steps, batch, lr : what a client does in a round: plain SGD on the mean cross-entropy.
    rounds : how many to time.
    engine : how fedprop trains.
    """

    path: str
    model: str
    steps: int
    rounds: int
    batch: int = 32
    lr: float = 0.05
    device: str = "cpu"
    engine: str = "auto"

    def data(self) -> tuple[Any, Any, Any]:
        """Inputs, labels, and each client's examples, as arrays."""
        with np.load(self.path + ".npz") as stored:
            return stored["x"], stored["y"], stored["parts"]

    def start(self) -> list[tuple[Any, Any]]:
        """The initial weight and bias of each layer, as arrays."""
        with np.load(self.path + ".npz") as stored:
            names = [name for name in stored.files if name.endswith(".weight")]
            return [(stored[name], stored[name.removesuffix("weight") + "bias"]) for name in names]

    def tensors(self) -> tuple[Any, Any, Any]:
        """The same as tensors on the device."""
        import torch

        return tuple(torch.from_numpy(array).to(self.device) for array in self.data())

    def module(self) -> Any:
        """The initial model."""
        import torch

        return torch.load(self.path + ".pt", weights_only=False).to(self.device)

    def batches(self, examples: int, random: np.random.Generator) -> Iterator[Any]:
        """Each step's examples: in a new random order for each pass, the last batch of a pass being what is left."""
        left = self.steps
        while left:
            order = random.permutation(examples)
            for start in range(0, examples, self.batch)[:left]:
                yield order[start : start + self.batch]
                left -= 1


def timed(one_round: Callable[[], object], rounds: int, settle: Callable[[], object] = lambda: None) -> list[float]:
    """The seconds of each round after the first."""
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        one_round()
        settle()
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def train(module: Any, optimizer: Any, x: Any, y: Any, batches: Iterator[Any]) -> None:
    """Plain SGD in torch on the given batches."""
    from torch.nn.functional import cross_entropy

    for batch in batches:
        optimizer.zero_grad()
        cross_entropy(module(x[batch]), y[batch]).backward()
        optimizer.step()


def loss(module: Any, work: Work) -> float:
    """The mean cross-entropy of a torch module on all training data."""
    import torch
    from torch.nn.functional import cross_entropy

    x, y, _ = work.tensors()
    with torch.no_grad():
        parts = [
            cross_entropy(module(a), b, reduction="sum") for a, b in zip(x.split(1000), y.split(1000), strict=True)
        ]
    return float(sum(parts) / len(y))


def serve(measure: Callable[[Work], tuple[list[float], float]], library: str = "torch") -> None:
    """Measure the cases that the command line holds as JSON; one line each, with the version of the library."""
    for case in json.loads(sys.argv[1]):
        work = Work(**case)
        seconds, final = measure(work)
        if os.environ.get("RANK", "0") != "0":
            continue  # one of several workers that all measured the same
        found = {
            "seconds": seconds,
            "loss": final,
            "peak_bytes": peak(work),
            "version": f"{library} {version(library)}",
        }
        print(MARK + json.dumps(found), flush=True)


def peak(work: Work) -> int | None:
    """The most GPU memory that was in use at once, in bytes, since this was last asked; None on a CPU."""
    if work.device != "cuda":
        return None
    import torch

    most = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return most
