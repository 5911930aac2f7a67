"""pfl: `FederatedAveraging` on its `SimulatedBackend`; several workers by torchrun, as its documentation says.

pfl stops a client's training at the end of its data, so the common order of batches, which goes on into another pass,
is what each client's dataset iterates over. Central SGD at rate 1 on the mean difference is the mean of the models.
"""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam.base import NNTrainHyperParams
from pfl.internal.ops.selector import get_framework_module
from pfl.metrics import Metrics
from pfl.model.pytorch import PyTorchModel
from torch.nn.functional import cross_entropy
from work import Work, loss, serve


class Client(Dataset):
    """One client's data, in the common batches."""

    def __init__(self, work: Work, x: Any, y: Any, client: int) -> None:
        super().__init__(raw_data=[x, y], user_id=client)
        self.work, self.random = work, np.random.default_rng(client)

    def iter(self, batch_size: int | None) -> Iterator[list[Any]]:
        x, y = self.raw_data
        for batch in self.work.batches(len(y), self.random):
            yield [x[batch], y[batch]]


class Laps(TrainingProcessCallback):
    """Notes when each round ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def after_central_iteration(self, *args: Any, **kwargs: Any) -> tuple[bool, Metrics]:
        self.ends.append(time.perf_counter())
        return False, Metrics()


def measure(work: Work) -> tuple[list[float], float]:
    x, y, parts = work.tensors()
    clients = [Client(work, x[part], y[part], client) for client, part in enumerate(parts)]
    users = FederatedDataset(clients.__getitem__, get_user_sampler("minimize_reuse", list(range(len(clients)))))
    module, laps = _with_loss(work.module()), Laps()
    model = PyTorchModel(module, torch.optim.SGD, torch.optim.SGD(module.parameters(), lr=1.0))
    FederatedAveraging().run(
        NNAlgorithmParams(work.rounds + 1, work.rounds + 2, len(clients), None),
        SimulatedBackend(users, users),
        model,
        NNTrainHyperParams(
            local_batch_size=work.batch, local_num_epochs=None, local_num_steps=work.steps, local_learning_rate=work.lr
        ),
        callbacks=[laps],
        send_metrics_to_platform=False,
    )
    return [end - start for start, end in pairwise(laps.ends)], loss(module, work)


def _with_loss(module: Any) -> Any:
    """The module with the loss and metrics that pfl asks it for."""
    module.loss = lambda x, y: cross_entropy(module(x), y)
    module.metrics = lambda x, y: {}
    return module


if __name__ == "__main__":
    if get_framework_module().distributed.world_size > 1:
        torch.set_num_threads(1)
    serve(measure, "pfl")
