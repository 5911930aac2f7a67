"""FedLab: its standalone simulation, with the serial FedAvg trainer.

FedLab counts epochs, so its dataset gives a loader that ends after the wanted number of steps. `fedlab.contrib.dataset`
imports torchvision for datasets that are not used here; an empty module of that name stands in for it.
"""

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from work import Work, loss, serve, timed

vision = types.ModuleType("torchvision")
vision.transforms = types.ModuleType("torchvision.transforms")
sys.modules |= {"torchvision": vision, "torchvision.transforms": vision.transforms}

from fedlab.contrib.algorithm.fedavg import FedAvgSerialClientTrainer, FedAvgServerHandler  # noqa: E402


class Clients:
    """What FedLab calls a dataset: a loader for each client."""

    def __init__(self, work: Work) -> None:
        self.work, self.random = work, np.random.default_rng(0)
        self.x, self.y, self.parts = work.tensors()

    def get_dataloader(self, client: int, batch_size: int) -> Iterator[tuple[Any, Any]]:
        part = self.parts[client]
        for batch in self.work.batches(len(part), self.random):
            yield self.x[part[batch]], self.y[part[batch]]


def measure(work: Work) -> tuple[list[float], float]:
    clients = Clients(work)
    trainer = FedAvgSerialClientTrainer(work.module(), len(clients.parts))
    trainer.setup_dataset(clients)
    trainer.setup_optim(epochs=1, batch_size=work.batch, lr=work.lr)
    handler = FedAvgServerHandler(work.module(), global_round=work.rounds + 1, sample_ratio=1.0)
    handler.num_clients = len(clients.parts)

    def one_round() -> None:
        trainer.local_process(handler.downlink_package, handler.sample_clients())
        for package in trainer.uplink_package:
            handler.load(package)

    return timed(one_round, work.rounds), loss(handler.model, work)


if __name__ == "__main__":
    serve(measure, "fedlab")
